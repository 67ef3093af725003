import { workerData } from 'node:worker_threads'
import { CallerLine } from './caller-line.ts'
import { Host } from './host.ts'
import { openLifeline } from './lifeline.ts'
import type { Call, WorkerSetup } from './protocol.ts'

/* The program of the thread that blocking sessions work in. */

const setup = workerData as WorkerSetup
const line = new CallerLine(setup)
const host = new Host(line)

process.on('uncaughtException', (error) => {
  line.fatal(error)
  process.exit(1)
})
openLifeline(setup.words)
setup.port.on('message', (call: Call) => host.take(call))
