/** Blocking sessions with both mixins, in either order, with limits and responses in memory, in a file, in Redis. */
import { CacheMixin, RatelimitMixin, type SyncCache, SyncSession } from 'http-sessions'
import { spawnHttpbin, Urls, worstWindow } from 'http-sessions/testing'

class ApiSession extends CacheMixin(RatelimitMixin(SyncSession)) {}
class SameSession extends RatelimitMixin(CacheMixin(SyncSession)) {}

/** Where limits and responses are kept, one after the other. */
const backends = ['memory', 'sqlite', 'redis'] as const

await using server = await spawnHttpbin()
const make = new Urls(server.url)

for (const SessionClass of [ApiSession, SameSession]) {
  for (const backend of backends) {
    await server.clear()
    using session = new SessionClass({
      backend,
      ratelimitOptions: {
        type: 'slidingwindow',
        limit: 10,
        window: '500ms',
        perHost: true,
        margin: 'settle',
      },
      cacheTimeout: '10m',
    })
    const url = make.get({ id: 5013, by: SessionClass.name, backend })
    const first = session.get(url)
    untilStored(session.cache, url)
    console.log(SessionClass.name, backend, first.fromCache, session.get(url).fromCache)
    console.log(
      session.cache.get(url)?.json<{ args: { id: string } }>().args.id,
      [...session.cache.keys()].length,
    )

    session.requests(Array.from({ length: 30 }, (_, id) => make.get({ id, by: SessionClass.name, backend })))
    const seen = await server.instants()
    console.log(`${seen.length} requests; most in any half second: ${worstWindow(seen, 500_000)}`)
  }
}

/** A response is given out while a shared backend still stores it. */
function untilStored(cache: SyncCache, url: string): void {
  while (!cache.has(url));
}
