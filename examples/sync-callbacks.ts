/** Callbacks of a blocking session that return something, for URLs that are picked at random. */
import { type Response, SessionConfig, SyncSession } from 'http-sessions'
import { spawnHttpbin } from 'http-sessions/testing'

SessionConfig.returnCallbacks = true

await using server = await spawnHttpbin()
using session = new SyncSession({ baseUrl: server.url })

function callback1(response: Response): { callback: string; status: string } {
  return { callback: 'callback1', status: response.ok ? 'success' : 'fail' }
}

function callback2(response: Response): { callback: string; status: string } {
  return { callback: 'callback2', status: response.ok ? 'success' : 'fail' }
}

const picked = Array.from({ length: 5 }, () => (Math.random() < 0.9 ? '/status/200' : '/status/404'))
const responses = session.requests(picked, { callbacks: [callback1, callback2] })
for (const response of responses) console.log(response.status, JSON.stringify(response.callbacks))
