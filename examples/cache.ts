/** A cache: the second request costs nothing, and `session.cache` shows what is kept. */
import { CacheMixin, Session } from 'http-sessions'
import { httpbin } from 'http-sessions/testing'

class CachedSession extends CacheMixin(Session) {}

await using server = await httpbin()
await using session = new CachedSession({ baseUrl: server.url, cacheTimeout: '10m' })

const url = `${server.url}/get?id=5013`
const first = await session.get(url)
const second = await session.get(url)
console.log(first.fromCache, second.fromCache, server.count)

const stored = await session.cache.get(url)
console.log(stored?.status, stored?.json<{ args: unknown }>().args)
