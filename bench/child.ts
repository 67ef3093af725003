import type { Setup, Subject } from './subject.ts'

/*
 * The program of a contestant: works whenever the parent says so, and ends when the parent
 * closes the channel.
 */

/** One turn: so many units untimed, so that code is compiled and connections are open, then those that count. */
export interface Order {
  readonly warmUp: number
  readonly count: number
}

/** What they took. */
export interface Measurement {
  readonly seconds: number
  /** Of this process, user and system. */
  readonly cpuSeconds: number
  /** Of this process, since it began. */
  readonly peakBytes: number
}

const [module, setup] = process.argv.slice(2) as [string, string]
const { subject } = (await import(module)) as { subject: Subject }
const round = await subject(JSON.parse(setup) as Setup)

process.on('disconnect', () => process.exit())
process.on('message', ({ warmUp, count }: Order) => {
  void measure(warmUp, count).then((measurement) => process.send?.(measurement))
})
process.send?.('ready')

async function measure(warmUp: number, count: number): Promise<Measurement> {
  await round(warmUp)
  globalThis.gc?.()
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  await round(count)
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  return { seconds, cpuSeconds: (user + system) / 1e6, peakBytes: process.resourceUsage().maxRSS * 1_024 }
}
