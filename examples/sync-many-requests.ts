/** Many requests in one blocking call, with callbacks; and one by one, from a generator without an end. */
import { type Response, SessionConfig, SyncSession } from 'http-sessions'
import { spawnHttpbin, Urls } from 'http-sessions/testing'

await using server = await spawnHttpbin()
using session = new SyncSession()
const make = new Urls(server.url)

function onResponse(response: Response): void {
  console.log(`Response status: ${response.ok}`)
}

const urls = Array.from({ length: 10 }, (_, id) => make.get({ id }))
const responses = session.requests(urls, { callbacks: [onResponse] })
console.log(responses.length, 'responses, the last one for', responses.at(-1)?.json<{ args: unknown }>().args)

SessionConfig.returnCallbacks = true

const judge = (response: Response): string => (response.ok ? 'success' : 'fail')
for (const response of session.requests([make.status(200), make.status(404)], { callbacks: [judge] })) {
  console.log(response.status, response.callbacks)
}

let taken = 0
for (const response of session.iterate(make.many(Number.POSITIVE_INFINITY, 'uuid'), { concurrency: 4 })) {
  console.log(response.status, Object.keys(response.json<object>()))
  if (++taken === 3) break
}
