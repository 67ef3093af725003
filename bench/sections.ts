import type { Entry } from './contestant.ts'
import type { Needed } from './start-server.ts'

/** One table. */
export interface Section {
  readonly title: string
  /** What is measured, in a sentence or two. */
  readonly text: string
  /** Units of work in a round. */
  readonly count: number
  /** In how many turns a contestant does them: an even number. Default: 2. */
  readonly turns?: number
  /** What a unit is called. */
  readonly noun: string
  /** What is counted per second; or the milliseconds of a unit of work, with {@link isTime}. */
  readonly unit: string
  /** Whether the time of a unit is of interest, and nothing else. */
  readonly isTime?: boolean
  /** Names of those that all are compared with. */
  readonly references: readonly string[]
  readonly entries: readonly Entry[]
  /** What they work with: a server of HTTP, which is the default, one of Redis, or a file. */
  readonly needs?: Needed
  /** What is asked for of the server of HTTP. Default: `/json`. */
  readonly path?: string
  /** Whether it is of interest how many requests reach that server. */
  readonly countsRequests?: boolean
}

/** Limits that are never reached: what is measured is their price, not their effect. */
const windows = { limit: 10_000_000, window: '1s' }
const tokenBucket = { type: 'tokenbucket', capacity: 1_000_000, fillRate: 1_000_000_000 }

const limits: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  slidingwindow: { type: 'slidingwindow', ...windows },
  fixedwindow: { type: 'fixedwindow', ...windows },
  leakybucket: { type: 'leakybucket', capacity: 1_000_000, leakRate: 1_000_000_000 },
  tokenbucket: tokenBucket,
  gcra: { type: 'gcra', period: '1us', limit: '1h' },
}

/** Calls through Redis, so many under way at a time. */
function throughRedis(atATime: number): Pick<Section, 'noun' | 'unit' | 'references' | 'entries' | 'needs'> {
  const peer = { name: 'rate-limiter-flexible', module: 'redis/rate-limiter-flexible.ts', atATime }
  const ours = Object.entries(limits).map(([name, options]) => {
    return { name, module: 'redis/ratelimiter.ts', options: { ...options, key: name }, atATime }
  })
  return {
    noun: 'call',
    unit: 'calls/s',
    references: [peer.name],
    entries: [...ours.slice(0, 2), peer, ...ours.slice(2)],
    needs: 'redis',
  }
}

/** Everybody with a cache, at the same work; see `cache/caching-client.ts`. */
function caches(work: 'text' | 'misses'): readonly Entry[] {
  const undici = 'cache/undici-cache.ts'
  return [
    { name: 'undici, memory', module: undici, options: { work, store: 'memory' } },
    { name: 'undici, SQLite', module: undici, options: { work, store: 'sqlite' } },
    { name: 'got', module: 'cache/got.ts', options: { work }, share: 0.05 },
    { name: 'axios-cache-interceptor', module: 'cache/axios-cache-interceptor.ts', options: { work } },
    { name: 'make-fetch-happen', module: 'cache/make-fetch-happen.ts', options: { work }, share: 0.02 },
    { name: "Session, memory, mode 'http'", ...session(work, { mode: 'http' }) },
    { name: "Session, memory, mode 'ttl'", ...session(work, { mode: 'ttl' }) },
  ]
}

/** A session with a cache. */
function session(work: string, cache: object): Pick<Entry, 'module' | 'options'> {
  return { module: 'cache/session.ts', options: { work, cache } }
}

/** Every table, by the name that `--only` takes. */
export const sections: Readonly<Record<string, Section>> = {
  clients: {
    title: 'HTTP clients',
    text: '2 KB of JSON, parsed; 50 requests in flight; connections kept alive; retries off.',
    count: 20_000,
    noun: 'request',
    unit: 'requests/s',
    references: ['undici.request'],
    entries: [
      { name: 'undici.request', module: 'clients/undici-request.ts' },
      { name: 'Session.get', module: 'clients/session.ts' },
      {
        name: 'Session.get, sliding window on',
        module: 'clients/session.ts',
        options: { ratelimit: { type: 'slidingwindow', limit: 1_000_000, window: '1s' } },
      },
      {
        name: 'Session.get, token bucket on',
        module: 'clients/session.ts',
        options: { ratelimit: tokenBucket },
      },
      { name: 'undici fetch', module: 'clients/undici-fetch.ts' },
      { name: 'global fetch', module: 'clients/global-fetch.ts' },
      { name: 'ofetch', module: 'clients/ofetch.ts' },
      { name: 'ky', module: 'clients/ky.ts' },
      { name: 'axios', module: 'clients/axios.ts' },
      { name: 'got', module: 'clients/got.ts' },
    ],
  },
  acquire: {
    title: 'Limiters in memory',
    text: 'One key, a limit that is never reached, calls awaited one after another.',
    count: 4_000_000,
    noun: 'call',
    unit: 'calls/s',
    references: ['rate-limiter-flexible', 'limiter'],
    entries: [
      ...Object.entries(limits).map(([name, options]) => {
        return { name, module: 'acquire/ratelimiter.ts', options }
      }),
      { name: 'rate-limiter-flexible', module: 'acquire/rate-limiter-flexible.ts' },
      { name: 'limiter', module: 'acquire/limiter.ts' },
    ],
  },
  redis: {
    title: 'Limiters in Redis',
    text: 'One key, a limit that is never reached, calls awaited one after another; the server on a Unix socket.',
    count: 40_000,
    turns: 80,
    ...throughRedis(1),
  },
  'redis-busy': {
    title: 'Limiters in Redis, 100 calls at a time',
    text: 'The same, with 100 calls under way at a time.',
    count: 400_000,
    turns: 20,
    ...throughRedis(100),
  },
  sqlite: {
    title: 'Limiters in SQLite, two processes',
    text: 'One file, one key, a limit that is never reached; 10 calls under way at a time in each of two processes; the figures are of the slower one.',
    count: 100_000,
    noun: 'call',
    unit: 'calls/s of each process',
    references: [],
    entries: Object.entries(limits).map(([name, options]) => {
      return {
        name,
        module: 'sqlite/ratelimiter.ts',
        options: { ...options, key: name },
        atATime: 10,
        processes: 2,
        watchLoop: true,
      }
    }),
    needs: 'file',
  },
  batch: {
    title: 'Many requests',
    text: 'URLs from a generator, 2 KB of JSON each, parsed; 50 requests in flight.',
    count: 100_000,
    noun: 'request',
    unit: 'requests/s',
    references: ['undici.request, 50 workers'],
    entries: [
      { name: 'undici.request, 50 workers', module: 'batch/undici-request.ts' },
      { name: 'for await, session.requests', module: 'batch/session.ts' },
    ],
  },
  cache: {
    title: 'Cache hits',
    text: '2 KB of text, one request after another. make-fetch-happen keeps files.',
    count: 50_000,
    noun: 'hit',
    unit: 'hits/s',
    references: ['undici, memory', 'undici, SQLite'],
    entries: [
      ...caches('text'),
      { name: 'Session, SQLite', ...session('text', { backend: 'sqlite' }) },
      { name: 'Session, Redis', ...session('text', { backend: 'redis' }) },
    ],
    path: '/kept',
    countsRequests: true,
  },
  'cache-large': {
    title: 'Large cache hits',
    text: '200 KB of text, one request after another.',
    count: 8_000,
    noun: 'hit',
    unit: 'hits/s',
    references: ['undici, memory'],
    entries: caches('text'),
    path: '/large',
    countsRequests: true,
  },
  'cache-redis': {
    title: 'Cache hits in Redis, 32 at a time',
    text: '2 KB, as bytes; 32 requests at a time; each with a server of its own, on a Unix socket.',
    count: 200_000,
    noun: 'hit',
    unit: 'hits/s',
    references: ['GET of @redis/client'],
    entries: [
      { name: 'GET of @redis/client', module: 'cache/redis-get.ts', atATime: 32 },
      { name: 'Session, Redis', ...session('bytes', { backend: 'redis' }), atATime: 32 },
    ],
    path: '/kept',
    countsRequests: true,
  },
  'cache-misses': {
    title: 'Cache misses, 50 at a time',
    text: '50 requests at a time for a URL that was not asked for before; 2 KB of text.',
    count: 2_000,
    noun: 'URL',
    unit: 'URLs/s',
    references: ['undici, memory'],
    entries: caches('misses'),
    path: '/kept',
    countsRequests: true,
  },
  sync: {
    title: 'Blocking calls',
    text: '2 KB of JSON, parsed; one request after another; connections kept alive where the client can.',
    count: 8_000,
    noun: 'request',
    unit: 'requests/s',
    references: ['Session.get, awaited', 'synckit + undici'],
    entries: [
      { name: 'Session.get, awaited', module: 'sync/async-session.ts' },
      { name: 'SyncSession.get', module: 'sync/sync-session.ts' },
      { name: 'synckit + undici', module: 'sync/synckit.ts' },
    ],
  },
  'sync-fetch': {
    title: 'Blocking calls by a process each',
    text: 'The same with sync-fetch, which starts a process for each request: far fewer of them.',
    count: 40,
    noun: 'request',
    unit: 'requests/s',
    references: ['sync-fetch'],
    entries: [
      { name: 'sync-fetch', module: 'sync/sync-fetch.ts' },
      { name: 'SyncSession.get', module: 'sync/sync-session.ts' },
    ],
  },
  'sync-first': {
    title: 'First requests',
    text: 'From the making of a client to its first answer, in a process that has just begun, with its imports done.',
    count: 8,
    noun: 'request',
    unit: 'ms',
    isTime: true,
    references: ['Session.get, awaited'],
    entries: [
      { name: 'Session.get, awaited', module: 'sync/first.ts', options: { module: 'async-session.ts' } },
      { name: 'SyncSession.get', module: 'sync/first.ts', options: { module: 'sync-session.ts' } },
      { name: 'synckit + undici', module: 'sync/first.ts', options: { module: 'synckit.ts' } },
      { name: 'sync-fetch', module: 'sync/first.ts', options: { module: 'sync-fetch.ts' } },
    ],
  },
  'sync-batch': {
    title: 'Blocking batches',
    text: '2,000 URLs from a generator in one call, 2 KB of JSON each, parsed; 50 requests in flight.',
    count: 4_000,
    noun: 'request',
    unit: 'requests/s',
    references: ['Session.requests, awaited'],
    entries: [
      { name: 'Session.requests, awaited', module: 'sync/async-batch.ts' },
      { name: 'SyncSession.requests', module: 'sync/sync-batch.ts' },
    ],
  },
  'sync-cache': {
    title: 'Blocking cache hits',
    text: '2 KB from memory, as text, as the other hits of a cache; 50 URLs in turn, one request after another.',
    count: 50_000,
    noun: 'hit',
    unit: 'hits/s',
    references: ['Session.get, awaited'],
    entries: [
      { name: 'Session.get, awaited', module: 'sync/async-hits.ts', options: { cache: { mode: 'ttl' } } },
      { name: 'SyncSession.get', module: 'sync/sync-hits.ts', options: { cache: { mode: 'ttl' } } },
    ],
  },
}
