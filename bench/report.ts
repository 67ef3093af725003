import type { Measurement } from './child.ts'
import type { Result } from './compare.ts'
import type { Section } from './sections.ts'

/** The results as a Markdown table. Each figure is the median of the rounds; ratios are taken round by round. */
export function toTable(
  { noun, unit, references, countsRequests = false, isTime = false }: Section,
  results: readonly Result[],
): string {
  const isWatched = results.some(({ rounds }) => rounds[0]?.heldSeconds !== undefined)
  const header = ['', unit, ...references.map((name) => `x ${name}`)]
  if (!isTime) header.push(`CPU µs/${noun}`, 'peak RSS')
  if (isWatched) header.push('event loop held, p99.9')
  if (countsRequests) header.push(`origin requests/${noun}`)
  const rows = results.map((result) => [
    result.name,
    grouped(median(result.rounds.map((each) => (isTime ? 1e3 / speed(each) : speed(each))))),
    ...references.map((name) => ratio(result, results, name).toFixed(2)),
    ...(isTime ? [] : [cpuTime(result), peak(result)]),
    ...(isWatched ? [heldFor(result)] : []),
    ...(countsRequests ? [requestsPerUnit(result).toFixed(2)] : []),
  ])
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'))
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function ratio({ rounds }: Result, results: readonly Result[], reference: string): number {
  const other = results.find(({ name }) => name === reference)
  if (other === undefined) throw new Error(`nobody is called ${reference}`)
  return median(rounds.map((each, round) => speed(each) / speed(other.rounds[round] as Measurement)))
}

function speed({ units, seconds }: Measurement): number {
  return units / seconds
}

function requestsPerUnit({ requests, rounds }: Result): number {
  return requests / rounds.reduce((sum, { unitsInAll }) => sum + unitsInAll, 0)
}

function cpuTime({ rounds }: Result): string {
  return significant(median(rounds.map(({ cpuSeconds, units }) => (cpuSeconds * 1e6) / units)))
}

function peak({ rounds }: Result): string {
  return `${Math.round(Math.max(...rounds.map(({ peakBytes }) => peakBytes)) / 1e6)} MB`
}

function heldFor({ rounds }: Result): string {
  return `${significant(1e3 * median(rounds.map(({ heldSeconds }) => heldSeconds ?? Number.NaN)))} ms`
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function significant(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0)
}
