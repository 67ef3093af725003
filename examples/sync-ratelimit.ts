/** A rate limit of a blocking session, kept in each place: 25 requests at 10 per half second, as the server sees them. */
import { RatelimitMixin, SyncSession } from 'http-sessions'
import { spawnHttpbin, Urls, worstWindow } from 'http-sessions/testing'

class ApiSession extends RatelimitMixin(SyncSession) {}

await using server = await spawnHttpbin()
const make = new Urls(server.url)

for (const backend of ['memory', 'sqlite', 'redis'] as const) {
  await server.clear()
  using session = new ApiSession({
    backend,
    type: 'slidingwindow',
    limit: 10,
    window: '500ms',
    perHost: true,
    margin: 'settle', // a request counts until its answer is there: exact, however busy the machine is
  })
  session.requests(make.many(25, 'uuid'))
  const seen = await server.instants()
  console.log(`${backend}: ${seen.length} requests; most in any half second: ${worstWindow(seen, 500_000)}`)
}
