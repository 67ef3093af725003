/** A rate limit: 30 requests at 10 per second, as the server sees them. */
import { RatelimitMixin, Session } from 'http-sessions'
import { httpbin, worstWindow } from 'http-sessions/testing'

class ApiSession extends RatelimitMixin(Session) {}

await using server = await httpbin()
await using session = new ApiSession({
  backend: 'memory',
  type: 'slidingwindow',
  limit: 10,
  window: '1s',
  perHost: true,
  margin: 'settle', // a request counts until its answer is there: exact, however busy the machine is
})

await session.requests(Array(30).fill(`${server.url}/uuid`))

console.log(server.count, 'requests; most in any one second:', worstWindow(server.instants, 1_000_000))
