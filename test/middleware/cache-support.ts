import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import type { CacheStore } from '../../src/backends/contract.ts'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import { CacheEventSource } from '../../src/cache/events.ts'
import { type CacheCounters, createCounters } from '../../src/cache/counters.ts'
import { type CacheOptions, parseCacheOptions } from '../../src/cache/options.ts'
import type { Reply } from '../../src/core/reply.ts'
import type { RequestCacheMode } from '../../src/core/request.ts'
import { cacheMiddleware } from '../../src/middleware/cache/cache-middleware.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { UndiciTransport } from '../../src/transport/undici-transport.ts'
import { request, type RequestSketch, serve } from './support.ts'

export const second = 1_000_000

/** Answers the n-th arrival, counted from 1. */
type Answer = (response: ServerResponse, arrival: IncomingMessage, n: number) => void

/** A cache over the real transport and a real server, all on one clock that the test moves. */
export interface Bed {
  readonly clock: ManualClock
  readonly store: MemoryCacheStore
  readonly counters: CacheCounters
  readonly arrivals: IncomingMessage[]
  readonly events: CacheEventSource
  readonly errors: unknown[]
  /** Why validations in the background failed. */
  readonly revalidationErrors: unknown[]
  readonly origin: string
  readonly send: (path: string, sketch?: RequestSketch) => Promise<Reply>
  readonly get: (path: string, cache?: RequestCacheMode, ...headers: string[]) => Promise<Reply>
}

/** @param other a store in the place of the memory store */
export async function bed(
  test: TestContext,
  options: CacheOptions,
  answer: Answer,
  other?: CacheStore,
  clock = new ManualClock(),
): Promise<Bed> {
  const arrivals: IncomingMessage[] = []
  const origin = await serve(test, (arrival, response) => {
    arrivals.push(arrival)
    // the calendar of the test is not the machine's
    response.sendDate = false
    answer(response, arrival, arrivals.length)
  })
  const transport = new UndiciTransport({ clock, concurrency: undefined, tls: undefined })
  test.after(() => transport.destroy())
  const store = new MemoryCacheStore({ clock })
  const counters = createCounters()
  const errors: unknown[] = []
  const revalidationErrors: unknown[] = []
  const settings = parseCacheOptions(options, 'cache')
  const events = new CacheEventSource(settings.prefix)
  events.on('error', ({ error }) => errors.push(error))
  events.on('revalidation-failed', ({ error }) => revalidationErrors.push(error))
  const cache = cacheMiddleware({
    store: other ?? store,
    clock,
    settings,
    counters,
    events,
    storeClock: clock,
  })
  const send = (path: string, sketch: RequestSketch = {}): Promise<Reply> =>
    cache(request(origin + path, sketch), (made) => transport.send(made))
  return {
    clock,
    store,
    counters,
    arrivals,
    events,
    errors,
    revalidationErrors,
    origin,
    send,
    get: (path, mode = 'default', ...headers) => send(path, { headers, features: { cache: mode } }),
  }
}

/** Answers everything with these fields, and its number as content. */
export function numbered(headers: Record<string, string>): Answer {
  return (response, _arrival, n) => {
    response.writeHead(200, headers).end(String(n))
  }
}
