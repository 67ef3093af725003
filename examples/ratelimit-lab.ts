/**
 * Does a limit take the time that theory says? For each algorithm, on each backend, blocking and asynchronous, this
 * asks a local httpbin for random ids, and prints the time beside the theory’s, and what the server saw.
 *
 *   node examples/ratelimit-lab.ts --type gcra --period 50ms --requests 40
 *   node examples/ratelimit-lab.ts --random --target-time 2s
 */
import { parseArgs } from 'node:util'
import {
  type Duration,
  RatelimitMixin,
  type RatelimitMixinOptions,
  Session,
  SyncSession,
} from 'http-sessions'
import {
  expectedTime,
  extractArgs,
  type LimitParameters,
  makeTest,
  rateLimitViolations,
  spawnHttpbin,
  timer,
  Urls,
} from 'http-sessions/testing'

class ApiSession extends RatelimitMixin(Session) {}
class BlockingApiSession extends RatelimitMixin(SyncSession) {}

const types = ['slidingwindow', 'fixedwindow', 'tokenbucket', 'leakybucket', 'gcra'] as const
/** Where limits are kept. */
const backends = ['memory', 'sqlite', 'redis'] as const

type Type = (typeof types)[number]
type Backend = (typeof backends)[number]

/** A limit, how many requests, and the milliseconds that theory gives them. */
interface Trial {
  readonly parameters: LimitParameters
  readonly count: number
  readonly expected: number
}

const quiet = { log: () => undefined }

/** One request after another; each call blocks. */
const blocking = timer(function blocking(session: SyncSession, urls: readonly string[]) {
  for (const url of urls) session.get(url)
}, quiet)

/** All at once. */
const asynchronous = timer(async function asynchronous(session: Session, urls: readonly string[]) {
  await Promise.all(urls.map((url) => session.get(url)))
}, quiet)

const text = { type: 'string' } as const
const { values: options } = parseArgs({
  options: {
    type: { ...text, multiple: true, default: [...types] },
    backend: { ...text, multiple: true, default: [...backends] },
    random: { type: 'boolean', default: false },
    seed: text,
    'target-time': { ...text, default: '2s' },
    tolerance: { ...text, default: '0.1' },
    requests: { ...text, default: '25' },
    limit: { ...text, default: '6' },
    window: { ...text, default: '500ms' },
    capacity: { ...text, default: '5' },
    rate: { ...text, default: '10' },
    period: { ...text, default: '100ms' },
    burst: { ...text, default: '400ms' },
  },
})

await using server = await spawnHttpbin({ log: 'instants' })
const make = new Urls(server.url)

console.log('| type | backend | mode | requests | theory | measured | at the server | too many |')
console.log('| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |')
for (const type of options.type as Type[]) {
  const trial = options.random ? randomTrial(type) : givenTrial(type)
  console.error(type, JSON.stringify(trial.parameters))
  for (const backend of options.backend as Backend[]) {
    const settings = { ...trial.parameters, backend } as RatelimitMixinOptions
    const urls = make.randomUrls(trial.count)
    {
      using session = new BlockingApiSession(settings)
      session.ratelimiter.peek() // its worker is up from here on
      blocking(session, urls)
      await report(trial, backend, blocking)
      session.clearCache()
    }
    {
      await using session = new ApiSession(settings)
      await session.ratelimiter.peek() // a Redis server of its own is up from here on
      await asynchronous(session, urls)
      await report(trial, backend, asynchronous)
      await session.clearCache()
    }
  }
}

/** The parameters that the command line gives, of which each algorithm takes its own. */
function givenTrial(type: Type): Trial {
  const rate = Number(options.rate)
  const all = {
    limit: type === 'gcra' ? options.burst : Number(options.limit),
    window: options.window,
    capacity: Number(options.capacity),
    fillRate: rate,
    leakRate: rate,
    period: options.period,
  }
  const parameters = { type, ...extractArgs(type, all) } as LimitParameters
  const count = Number(options.requests)
  return { parameters, count, expected: expectedTime(parameters, count) }
}

/** Parameters for which some number of requests takes about the wanted time. */
function randomTrial(type: Type): Trial {
  const { nTests, expected, ...parameters } = makeTest(type, {
    targetTime: options['target-time'] as Duration,
    tolerance: Number(options.tolerance),
    ...(options.seed === undefined ? {} : { seed: Number(options.seed) }),
  })
  return { parameters, count: nTests, expected }
}

/** Prints a line on the run that has ended, and has the server forget it. */
async function report(
  { parameters, expected }: Trial,
  backend: Backend,
  { name, last = 0 }: { readonly name: string; readonly last: number | undefined },
): Promise<void> {
  const seen = await server.instants()
  const span = ((seen.at(-1) as number) - (seen[0] as number)) / 1_000
  const times = [expected, last, span].map((milliseconds) => `${milliseconds.toFixed(0)} ms`)
  const cells = [parameters.type, backend, name, seen.length, ...times, rateLimitViolations(parameters, seen)]
  console.log(`| ${cells.join(' | ')} |`)
  await server.clear()
}
