/** Many requests with a callback, a bar on the terminal, and results in input order. */
import { type Response, Session } from 'http-sessions'
import { httpbin, Urls } from 'http-sessions/testing'

await using server = await httpbin()
await using session = new Session()

function onResponse(response: Response): void {
  console.log(`Response status: ${response.ok}`)
}

const make = new Urls(server.url)
const urls = Array.from({ length: 10 }, (_, id) => make.get({ id }))
const responses = await session.requests(urls, { callbacks: [onResponse] })
console.log(responses.length, 'responses, the last one for', responses.at(-1)?.json<{ args: unknown }>().args)
