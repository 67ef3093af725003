import type { Result } from './compare.ts'
import type { Section } from './sections.ts'

/** The results as a Markdown table. Each figure is the median of the rounds; ratios are taken round by round. */
export function toTable(
  { noun, unit, references, isTime = false }: Section,
  results: readonly Result[],
  count: number,
): string {
  const isWatched = results.some(({ rounds }) => rounds[0]?.heldSeconds !== undefined)
  const header = ['', unit, ...references.map((name) => `x ${name}`)]
  if (!isTime) header.push(`CPU µs/${noun}`, 'peak RSS')
  if (isWatched) header.push('event loop held, p99.9')
  const rows = results.map((result) => [
    result.name,
    grouped(median(result.rounds.map(({ seconds }) => (isTime ? (1e3 * seconds) / count : count / seconds)))),
    ...references.map((name) => ratio(result, results, name).toFixed(2)),
    ...(isTime ? [] : [cpuTime(result, count), peak(result)]),
    ...(isWatched ? [heldFor(result)] : []),
  ])
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'))
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function ratio({ rounds }: Result, results: readonly Result[], reference: string): number {
  const other = results.find(({ name }) => name === reference)
  if (other === undefined) throw new Error(`nobody is called ${reference}`)
  return median(rounds.map(({ seconds }, round) => (other.rounds[round]?.seconds ?? Number.NaN) / seconds))
}

function cpuTime({ rounds }: Result, count: number): string {
  return significant(median(rounds.map(({ cpuSeconds }) => (cpuSeconds * 1e6) / count)))
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
