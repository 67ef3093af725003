import type { ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { CacheEventSource } from '../../src/cache/events.ts'
import { parseCacheOptions } from '../../src/cache/options.ts'
import type { Reply } from '../../src/core/reply.ts'
import { cacheMiddleware } from '../../src/middleware/cache/cache-middleware.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { UndiciTransport } from '../../src/transport/undici-transport.ts'
import { MoodyStore } from '../support/moody-store.ts'
import { request, type RequestSketch, serve } from './support.ts'

export type Send = (sketch?: RequestSketch, path?: string) => Promise<Reply>

/** Caches that share nothing but a store, as those of several processes do, and an origin that the test answers for. */
export async function processes(t: TestContext, count: number, shared = true) {
  const held: ServerResponse[] = []
  const origin = await serve(t, (_request, response) => {
    response.sendDate = false
    held.push(response)
  })
  const clock = new ManualClock()
  const store = new MoodyStore(clock, shared)
  const transport = new UndiciTransport({ clock, concurrency: undefined, tls: undefined })
  t.after(() => transport.destroy())
  const settings = parseCacheOptions({ maxEntrySize: 1_000 }, 'cache')
  const errors: unknown[] = []
  const senders = Array.from({ length: count }, (): Send => {
    const events = new CacheEventSource('Test')
    events.on('error', ({ error }) => errors.push(error))
    const cache = cacheMiddleware({ store, clock, storeClock: clock, settings, events })
    return (sketch = {}, path = '/a') => cache(request(origin + path, sketch), (made) => transport.send(made))
  })
  const until = async (arrivals: number): Promise<void> => {
    while (held.length < arrivals) await nextTurn()
  }
  return { held, clock, store, senders: senders as [Send, Send, ...Send[]], until, errors }
}

/** What all got: the first one asks, and time stands still until it has its answer. */
export async function inTime<T>(clock: ManualClock, [first, ...others]: readonly Promise<T>[]): Promise<T[]> {
  const answer = await (first as Promise<T>)
  const all = Promise.all(others)
  await clock.advance(200_000)
  return [answer, ...(await all)]
}
