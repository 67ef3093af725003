/** A blocking session: `node examples/sync-one-request.ts` */
import { SyncSession } from 'http-sessions'
import { spawnHttpbin } from 'http-sessions/testing'

await using server = await spawnHttpbin() // in a process of its own: this thread is going to be blocked
using session = new SyncSession({ baseUrl: server.url })

const response = session.get('/ip')
console.log(response.status, response.json())
