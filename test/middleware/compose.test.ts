import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Middleware } from '../../src/core/reply.ts'
import { compose } from '../../src/middleware/compose.ts'
import { reply, request } from './support.ts'

test('the first middleware is the outermost', async () => {
  const seen: string[] = []
  const layer = (name: string): Middleware => {
    return async (message, next) => {
      seen.push(`${name} down`)
      const answer = await next(message)
      seen.push(`${name} up`)
      return answer
    }
  }
  const send = compose([layer('a'), layer('b')], (message) => {
    seen.push('sent')
    return Promise.resolve(reply(message))
  })
  await send(request('http://127.0.0.1/'))
  assert.deepEqual(seen, ['a down', 'b down', 'sent', 'b up', 'a up'])
})

test('a chain without middlewares is its last link itself', () => {
  const last = (message: ReturnType<typeof request>) => Promise.resolve(reply(message))
  assert.equal(compose([], last), last)
})

test('a middleware may answer by itself, and may go on more than once', async () => {
  let sent = 0
  const twice: Middleware = async (message, next) => {
    await next(message)
    return next(message)
  }
  const closed: Middleware = (message) => Promise.resolve(reply(message, { status: 304 }))
  const send = compose([twice], (message) => {
    sent++
    return Promise.resolve(reply(message))
  })
  await send(request('http://127.0.0.1/'))
  assert.equal(sent, 2)
  assert.equal((await compose([closed], send)(request('http://127.0.0.1/'))).status, 304)
  assert.equal(sent, 2)
})
