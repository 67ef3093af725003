/**
 * Does a limit take the time that theory says? For each algorithm, on each backend, blocking and asynchronous, this
 * asks a local httpbin for random ids, and prints the time beside the theory’s, and what the server saw.
 *
 *   node examples/ratelimit-lab.ts --type gcra --period 50ms --requests 40 --margin settle
 *   node examples/ratelimit-lab.ts --random --target-time 2s --tolerance 0.05
 *   node examples/ratelimit-lab.ts --random --type tokenbucket --rate 600/m --requests 10-40 --seed 1
 *
 * What is given is kept; the rest is as usual, or chosen by `makeTest` where `--random` is given.
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
  type MakeTestOptions,
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
    requests: text, // or the least and the most: 10-40
    limit: text,
    window: text,
    capacity: text,
    rate: text,
    period: text,
    burst: text, // gcra’s limit
    random: { type: 'boolean', default: false },
    'target-time': text,
    tolerance: text,
    seed: text, // also of the ids
    min: { ...text, default: '0' },
    max: { ...text, default: '100' },
    margin: text, // of the sessions: a duration, or settle
  },
})

/** What is taken where nothing is given and nothing is random. */
const usual = {
  requests: '25',
  limit: '6',
  window: '500ms',
  capacity: '5',
  rate: '10',
  period: '100ms',
  burst: '400ms',
}

/** Which algorithms take a parameter. */
const takers: Readonly<Record<string, readonly Type[]>> = {
  limit: ['slidingwindow', 'fixedwindow'],
  window: ['slidingwindow', 'fixedwindow'],
  capacity: ['tokenbucket', 'leakybucket'],
  rate: ['tokenbucket', 'leakybucket'],
  period: ['gcra'],
  burst: ['gcra'],
}

checkUse()
const trials = (options.type as Type[]).map(options.random ? randomTrial : givenTrial)
const seed = options.seed === undefined ? {} : { seed: Number(options.seed) }
const margin = options.margin === undefined ? {} : { margin: options.margin }

await using server = await spawnHttpbin()
const make = new Urls(server.url, seed)

console.log('| type | backend | mode | requests | ids | theory | measured | at the server | too many |')
console.log('| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |')
for (const trial of trials) {
  console.error(JSON.stringify(trial.parameters))
  for (const backend of options.backend as Backend[]) {
    const settings = { ...trial.parameters, ...margin, backend } as RatelimitMixinOptions
    const urls = make.randomUrls(trial.count, Number(options.min), Number(options.max))
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

/** Nothing that is given may be without effect. */
function checkUse(): void {
  for (const [name, those] of Object.entries(takers)) {
    if (Object.hasOwn(options, name) && !those.some((type) => options.type.includes(type))) {
      throw new Error(`--${name} belongs to ${those.join(' and ')}`)
    }
  }
  for (const name of ['target-time', 'tolerance']) {
    if (Object.hasOwn(options, name) && !options.random) throw new Error(`--${name} belongs to --random`)
  }
  if (!options.random && options.requests?.includes('-') === true) {
    throw new Error(`--requests ${options.requests}: a range belongs to --random`)
  }
}

/** Parameters as written, those of one algorithm under their own names. */
function written(type: Type, values: Partial<typeof usual>): MakeTestOptions {
  const all = {
    limit: type === 'gcra' ? values.burst : numeric(values.limit),
    window: values.window,
    capacity: numeric(values.capacity),
    fillRate: numeric(values.rate),
    leakRate: numeric(values.rate),
    period: values.period,
    nTests: countOrRange(values.requests),
  }
  const own = Object.entries(extractArgs(type, all)).filter(([, value]) => value !== undefined)
  return Object.fromEntries(own)
}

/** Numbers as numbers; what is wrong with anything else is the library’s to say. */
function numeric(value: string | undefined): string | number | undefined {
  return value === undefined || Number.isNaN(Number(value)) ? value : Number(value)
}

/** `12`, or `10-40`. */
function countOrRange(value = ''): string | number | readonly unknown[] | undefined {
  const [, least, most] = /^(\d+)-(\d+)$/.exec(value) ?? []
  return least === undefined ? numeric(value || undefined) : [Number(least), Number(most)]
}

/** The parameters that the command line gives, and the usual ones. */
function givenTrial(type: Type): Trial {
  const { nTests, ...rest } = written(type, { ...usual, ...options })
  const parameters = { type, ...rest } as LimitParameters
  const count = nTests as number
  return { parameters, count, expected: expectedTime(parameters, count) }
}

/** Parameters for which some number of requests takes about the wanted time. */
function randomTrial(type: Type): Trial {
  const { nTests, expected, ...parameters } = makeTest(type, {
    ...written(type, options),
    targetTime: (options['target-time'] ?? '2s') as Duration,
    ...(options.tolerance === undefined ? {} : { tolerance: Number(options.tolerance) }),
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
  const arrivals = await server.arrivals()
  const seen = arrivals.map(({ at }) => at)
  const ids = arrivals.map(({ path }) => Number(new URL(path, server.url).searchParams.get('id')))
  const span = ((seen.at(-1) as number) - (seen[0] as number)) / 1_000
  const times = [expected, last, span].map((milliseconds) => `${milliseconds.toFixed(0)} ms`)
  const range = `${Math.min(...ids)} to ${Math.max(...ids)}`
  const tooMany = rateLimitViolations(parameters, seen)
  const cells = [parameters.type, backend, name, seen.length, range, ...times, tooMany]
  console.log(`| ${cells.join(' | ')} |`)
  await server.clear()
}
