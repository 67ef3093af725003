import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import type { Observation } from './measure.ts'

const document = join(import.meta.dirname, '../../docs/accuracy.md')
const marks = ['<!-- measured -->', '<!-- /measured -->'] as const

/** The first two lines of the table. */
export const heading: readonly string[] = [
  toRow(['algorithm', 'workload', 'margin', 'arrivals', 'worst', 'too many', 'utilisation', 'lag']),
  toRow(['---', '---', '---', '---:', '---:', '---:', '---:', '---:']),
]

/** An observation as a line of the table. */
export function toLine(observation: Observation, margin: string): string {
  const { parameters, workload, arrivals, worst, tooMany, utilisation, lag } = observation
  const share = `${(utilisation * 100).toFixed(1)} %`
  return toRow([parameters.type, workload, margin, arrivals, worst, tooMany, share, `${lag.toFixed(1)} ms`])
}

/** Replaces what docs/accuracy.md shows as measured. */
export function writeDocument(table: readonly string[], command: string): void {
  const gigabytes = Math.round(os.totalmem() / 2 ** 30)
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${os.availableParallelism()} cores, ${gigabytes} GB of memory, Node.js ${process.versions.node}`
  const text = readFileSync(document, 'utf8')
  const start = text.indexOf(marks[0])
  const end = text.indexOf(marks[1])
  if (start === -1 || end < start) throw new Error(`docs/accuracy.md lacks ${marks.join(' and ')}`)
  const measured = `${marks[0]}\n\n\`${command}\`, ${date}, ${machine}.\n\n${table.join('\n')}\n\n`
  writeFileSync(document, text.slice(0, start) + measured + text.slice(end))
}

function toRow(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}
