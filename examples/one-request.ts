/** One request: `node examples/one-request.ts` */
import { Session } from 'http-sessions'
import { httpbin } from 'http-sessions/testing'

await using server = await httpbin()
await using session = new Session({ baseUrl: server.url })

const response = await session.get('/ip')
console.log(response.status, response.json())
