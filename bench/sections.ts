import type { Entry } from './contestant.ts'

/** One table. */
export interface Section {
  readonly title: string
  /** What is measured, in a sentence or two. */
  readonly text: string
  /** Units of work in a round. */
  readonly count: number
  /** What a unit is called. */
  readonly noun: string
  /** What is counted per second. */
  readonly unit: string
  /** Names of those that all are compared with. */
  readonly references: readonly string[]
  readonly entries: readonly Entry[]
}

/** Limits that are never reached: what is measured is their price, not their effect. */
const windows = { limit: 10_000_000, window: '1s' }
const tokenBucket = { type: 'tokenbucket', capacity: 1_000_000, fillRate: 1_000_000_000 }

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
    count: 500_000,
    noun: 'call',
    unit: 'calls/s',
    references: ['rate-limiter-flexible', 'limiter'],
    entries: [
      {
        name: 'slidingwindow',
        module: 'acquire/ratelimiter.ts',
        options: { type: 'slidingwindow', ...windows },
      },
      { name: 'fixedwindow', module: 'acquire/ratelimiter.ts', options: { type: 'fixedwindow', ...windows } },
      {
        name: 'leakybucket',
        module: 'acquire/ratelimiter.ts',
        options: { type: 'leakybucket', capacity: 1_000_000, leakRate: 1_000_000_000 },
      },
      { name: 'tokenbucket', module: 'acquire/ratelimiter.ts', options: tokenBucket },
      {
        name: 'gcra',
        module: 'acquire/ratelimiter.ts',
        options: { type: 'gcra', period: '1us', limit: '1h' },
      },
      { name: 'rate-limiter-flexible', module: 'acquire/rate-limiter-flexible.ts' },
      { name: 'limiter', module: 'acquire/limiter.ts' },
    ],
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
    text: '2 KB of JSON from memory, parsed; one request after another.',
    count: 50_000,
    noun: 'hit',
    unit: 'hits/s',
    references: ['undici cache interceptor'],
    entries: [
      {
        name: 'undici cache interceptor',
        module: 'cache/undici-cache.ts',
        options: { cacheByDefault: 3_600 },
      },
      { name: "mode 'http'", module: 'cache/session.ts', options: { cache: { mode: 'http' } } },
      { name: "mode 'ttl'", module: 'cache/session.ts', options: { cache: { mode: 'ttl' } } },
    ],
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
    text: '2 KB of JSON from memory, parsed; one request after another.',
    count: 50_000,
    noun: 'hit',
    unit: 'hits/s',
    references: ['Session.get, awaited'],
    entries: [
      { name: 'Session.get, awaited', module: 'cache/session.ts', options: { cache: { mode: 'ttl' } } },
      { name: 'SyncSession.get', module: 'sync/sync-hits.ts', options: { cache: { mode: 'ttl' } } },
    ],
  },
}
