/** Callbacks that return something: `response.callbacks` has it. */
import { type Response, Session, SessionConfig } from 'http-sessions'
import { httpbin } from 'http-sessions/testing'

SessionConfig.returnCallbacks = true

await using server = await httpbin()
await using session = new Session({ baseUrl: server.url })

function callback1(response: Response): { callback: string; status: string } {
  return { callback: 'callback1', status: response.ok ? 'success' : 'fail' }
}

async function callback2(response: Response): Promise<{ callback: string; status: string }> {
  return { callback: 'callback2', status: response.ok ? 'success' : 'fail' }
}

const urls = ['/status/200', '/status/200', '/status/404', '/status/200', '/status/200']
const responses = await session.requests(urls, { callbacks: [callback1, callback2] })
for (const response of responses) console.log(response.status, response.callbacks)
