import { fileURLToPath } from 'node:url'
import { workerData } from 'node:worker_threads'
import { CallerLine } from './caller-line.ts'
import { Host } from './host.ts'
import { openLifeline } from './lifeline.ts'
import type { WorkerSetup } from './protocol.ts'

/* The program of the thread that blocking sessions work in. */

const setup = workerData as WorkerSetup
const line = new CallerLine(setup)

process.on('uncaughtException', (error) => {
  line.fatal(error)
  process.exit(1)
})
openLifeline(setup.words, fileURLToPath(import.meta.url))
export const host = new Host(line)
