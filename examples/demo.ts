/**
 * The main job, end to end: a hundred URLs at 10 per second with a bar, as a server in a process of
 * its own sees them; the same again from the cache; then callbacks that return something.
 */
import { CacheMixin, RatelimitMixin, type Response, Session } from 'http-sessions'
import { type HttpbinProcess, spawnHttpbin, Urls, worstWindow } from 'http-sessions/testing'

class ApiSession extends CacheMixin(RatelimitMixin(Session)) {}

const oneSecond = 1_000_000 // the server's instants are microseconds

await using server = await spawnHttpbin()
await using session = new ApiSession({
  type: 'slidingwindow',
  limit: 10,
  window: '1s',
  perHost: true,
  margin: 'settle', // a request counts until its answer is there: exact, however busy the machine is
  cacheTimeout: '10m',
})
const make = new Urls(server.url)
const urls = Array.from({ length: 100 }, (_, id) => make.get({ id }))

console.log('100 URLs, 10 per second, sliding window:')
await session.requests(urls, { progress: true })
await report(server)

console.log('\nThe same 100 URLs again, now from the cache:')
await server.clear()
const again = await session.requests(urls, { progress: true })
await report(server)
console.log(`from the cache: ${again.filter((response) => response.fromCache).length} of ${again.length}`)

console.log('\nCallbacks that return something:')
const answers = await session.requests([make.status(200), make.status(404), make.status(200)], {
  callbacks: [judge, measure],
  returnCallbacks: true,
  progress: false,
})
for (const response of answers) console.log(response.status, response.callbacks)

function judge(response: Response): string {
  return response.ok ? 'success' : 'fail'
}

function measure(response: Response): string {
  return `${response.bytes().length} bytes`
}

/** Prints what the server saw. */
async function report(process: HttpbinProcess): Promise<void> {
  const seen = await process.instants()
  const seconds = seen.length === 0 ? 0 : ((seen.at(-1) as number) - (seen[0] as number)) / oneSecond
  console.log(
    `the server saw ${seen.length} requests in ${seconds.toFixed(1)} s, at most ${worstWindow(seen, oneSecond)} in any one second`,
  )
}
