import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { Session } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { serve } from '../middleware/support.ts'

test('closing a session does not wait for a validation in the background', async (t) => {
  const held: ServerResponse[] = []
  let asked = (): void => undefined
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const baseUrl = await serve(t, (_request, response) => {
    held.push(response)
    if (held.length === 1) {
      response.sendDate = false
      response.writeHead(200, { 'Cache-Control': 'max-age=60, stale-while-revalidate=60' }).end('old')
    } else asked()
  })
  const clock = new ManualClock()
  const session = new Session({ baseUrl, clock, cache: true })
  await session.get('/a')
  await clock.advance(61_000_000)
  assert.equal((await session.get('/a')).text(), 'old')
  await isAsked
  const ended = once(held[1] as ServerResponse, 'close')
  await session.close()
  await ended
})
