import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Setup, Subject } from './subject.ts'

/*
 * The program of a contestant: works whenever the parent says so, and ends when the parent
 * closes the channel.
 */

/** One turn: so many units untimed, so that code is compiled and connections are open, then those that count. */
export interface Order {
  /**
   * Whether garbage is collected in between. Only before a process's first turn: compiled code that refers to shapes
   * of objects of which none is left goes with it, and a short turn would be spent on compiling that again.
   */
  readonly cleanUp: boolean
  readonly warmUp: number
  readonly count: number
  /** Whether it is of interest for how long the event loop is held; to look costs something. */
  readonly watchLoop?: boolean
}

/** What they took. */
export interface Measurement {
  /** How many counted. */
  readonly units: number
  /** How many were done in all, untimed ones included. */
  readonly unitsInAll: number
  readonly seconds: number
  /** Of this process, user and system. */
  readonly cpuSeconds: number
  /** Of this process, since it began. */
  readonly peakBytes: number
  /** For how long the event loop was held, at the 99.9th percentile; if that was watched. */
  readonly heldSeconds?: number | undefined
}

const [module, setup] = process.argv.slice(2) as [string, string]
const { subject } = (await import(module)) as { subject: Subject }
const round = await subject(JSON.parse(setup) as Setup)

process.on('disconnect', () => process.exit())
process.on('message', (order: Order) => {
  void measure(order).then((measurement) => process.send?.(measurement))
})
process.send?.('ready')

/** Of the histogram of how long the event loop is held, whose times are too long by that. */
const resolution = 1 // ms

async function measure({ cleanUp, warmUp, count, watchLoop = false }: Order): Promise<Measurement> {
  await round(warmUp)
  if (cleanUp) globalThis.gc?.()
  const held = watchLoop ? monitorEventLoopDelay({ resolution }) : undefined
  held?.enable()
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const counted = await round(count)
  const seconds = counted ?? (performance.now() - startedAt) / 1_000
  held?.disable()
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    units: count,
    unitsInAll: warmUp + count,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1_024,
    heldSeconds: held && (held.percentile(99.9) / 1e6 - resolution) / 1e3,
  }
}
