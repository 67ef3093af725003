/** Both mixins, in either order: what the cache answers costs no unit of the limit. */
import { CacheMixin, RatelimitMixin, Session } from 'http-sessions'
import { httpbin } from 'http-sessions/testing'

class ApiSession extends CacheMixin(RatelimitMixin(Session)) {}
class SameSession extends RatelimitMixin(CacheMixin(Session)) {}

await using server = await httpbin()

for (const SessionClass of [ApiSession, SameSession]) {
  await using session = new SessionClass({ limit: 1, window: '1h', cacheTimeout: '10m' })
  const url = `${server.url}/get?by=${SessionClass.name}`
  const responses = [await session.get(url), await session.get(url), await session.get(url)]
  console.log(
    SessionClass.name,
    responses.map((response) => response.fromCache),
  )
}
