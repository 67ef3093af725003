import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import type { Observation } from './measure.ts'

const document = join(import.meta.dirname, '../../docs/accuracy.md')

/** The first two lines of a table. */
export const heading: readonly string[] = [
  toRow([
    'algorithm',
    'backend',
    'processes',
    'workload',
    'arrivals',
    'worst',
    'too many',
    'utilisation',
    'lag',
  ]),
  toRow(['---', '---', '---:', '---', '---:', '---:', '---:', '---:', '---:']),
]

/** An observation as a line of the table. */
export function toLine(observation: Observation): string {
  const { parameters, backend, processes, workload, arrivals, worst, tooMany, utilisation, lag } = observation
  const share = `${(utilisation * 100).toFixed(1)} %`
  const seen = [arrivals, worst, tooMany, share, `${lag.toFixed(1)} ms`]
  return toRow([parameters.type, backend, processes, workload, ...seen])
}

/** Replaces what docs/accuracy.md shows as measured under some conditions. */
export function writeDocument(name: string, text: string, table: readonly string[], command: string): void {
  const marks = [`<!-- measured: ${name} -->`, `<!-- /measured: ${name} -->`] as const
  const gigabytes = Math.round(os.totalmem() / 2 ** 30)
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${os.availableParallelism()} cores, ${gigabytes} GB of memory, Node.js ${process.versions.node}`
  const whole = readFileSync(document, 'utf8')
  const start = whole.indexOf(marks[0])
  const end = whole.indexOf(marks[1])
  if (start === -1 || end < start) throw new Error(`docs/accuracy.md lacks ${marks.join(' and ')}`)
  const measured = `${marks[0]}\n\n${text}\n\`${command}\`, ${date}, ${machine}.\n\n${table.join('\n')}\n\n`
  writeFileSync(document, whole.slice(0, start) + measured + whole.slice(end))
}

function toRow(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}
