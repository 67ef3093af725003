import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError, type Response, Session, type SessionRequestOptions } from '../../src/index.ts'
import type { Echo } from '../session/support.ts'
import { pack, unpack } from '../../src/sync/portable.ts'
import { blockingSession, spawnedHttpbin } from './support.ts'

/* Odd options mean in a blocking session what they mean in a session. */

const server = await spawnedHttpbin()
const session = blockingSession(server)

function* values(): Generator<number, void, undefined> {
  yield 1
}

/** What both say of wrong options. */
async function messages(options: SessionRequestOptions): Promise<readonly unknown[]> {
  await using other = new Session({ baseUrl: server.url })
  const told = (error: unknown): unknown => (error instanceof OptionError ? error.message : error)
  let blocking: unknown
  try {
    blocking = session.get('/get', options)
  } catch (error) {
    blocking = told(error)
  }
  return [blocking, await other.get('/get', options).catch(told)]
}

test('cookies: null is refused', async () => {
  const [blocking, asynchronous] = await messages({ cookies: null as never })
  assert.equal(blocking, asynchronous)
  assert.throws(() => session.requests(['/get'], { cookies: null as never }), /cookies: null must be/)
})

test('a value of params that cannot be sent is told by its name, in batches too', async () => {
  const params = { many: values() } as never
  const [blocking, asynchronous] = await messages({ params })
  assert.equal(blocking, asynchronous)
  assert.throws(() => session.requests(['/get'], { params }), { message: blocking as string })
  const [response] = session.requests([{ url: '/get', params }])
  assert.equal(response?.error?.message, blocking)
})

test('a field of the name __proto__ is a field', () => {
  const cookies = JSON.parse('{"__proto__":"kept"}') as Record<string, string>
  const echoed = (response: Response): unknown => response.json<{ cookies: object }>().cookies
  assert.deepEqual(Object.entries(echoed(session.get('/cookies', { cookies })) as object), [
    ['__proto__', 'kept'],
  ])
  const crossed = unpack(structuredClone(pack({ cookies }, '', { transfer: [] })), {})
  assert.deepEqual(JSON.stringify(crossed), '{"cookies":{"__proto__":"kept"}}')
})

test('time limits may be inherited', () => {
  const timeout = Object.create({ total: '20s' }) as { total: '20s' }
  assert.equal(session.get('/get', { timeout }).json<Echo>().url, `${server.url}/get`)
  assert.equal(session.requests(['/get'], { timeout })[0]?.status, 200)
  const total = Object.create({ total: '1ms' }) as { total: '1ms' }
  assert.throws(() => session.get('/delay/10', { timeout: total }), { code: 'ERR_TIMEOUT_TOTAL' })
})
