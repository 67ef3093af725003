import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AbortError, SessionError } from '../../src/core/errors.ts'
import { inTime, processes, type Send } from './cache-process-support.ts'
import { second } from './cache-support.ts'
import { readAll, text } from './support.ts'

const fresh = { 'Cache-Control': 'max-age=60' }
const noStore = { 'Cache-Control': 'no-store' }

test('of all processes that miss one asks the origin, and the others take what it stores', async (t) => {
  const { held, clock, senders, until } = await processes(t, 8)
  const replies = senders.flatMap((send) => [send(), send()])
  await until(1)
  await clock.advance(second)
  held[0]?.writeHead(200, { ...fresh, ETag: '"1"' }).end('content')
  const all = await inTime(clock, replies)
  assert.deepEqual(new Set(all.map(text)), new Set(['content']))
  assert.equal(held.length, 1)
  assert.equal(all.filter(({ cacheStatus }) => cacheStatus?.collapsed === true).length, 15)
  assert.ok(all.every(({ cacheStatus }) => cacheStatus?.hit === false && cacheStatus.stored))
})

test('the answer is good for those who waited, even if it has to be validated each time', async (t) => {
  const { held, clock, senders, until } = await processes(t, 3)
  const replies = senders.map((send) => send())
  await until(1)
  held[0]?.writeHead(200, { 'Cache-Control': 'no-cache', ETag: '"1"' }).end('content')
  const all = await inTime(clock, replies)
  assert.deepEqual([new Set(all.map(text)), held.length], [new Set(['content']), 1])
})

test('validations are put together as well: what was stored before is no answer', async (t) => {
  const { held, clock, senders, until } = await processes(t, 3)
  const first = senders[0]()
  await until(1)
  held[0]?.writeHead(200, { ...fresh, ETag: '"1"' }).end('content')
  await first
  await clock.advance(60 * second)
  const replies = senders.map((send) => send())
  await until(2)
  held[1]?.writeHead(304, fresh).end()
  const all = await inTime(clock, replies)
  assert.deepEqual([new Set(all.map(text)), held.length], [new Set(['content']), 2])
})

test('a holder that says nothing delays others by its lease, and no longer', async (t) => {
  const { held, clock, senders, until } = await processes(t, 2)
  const lost = senders[0]()
  await until(1)
  const reply = senders[1]()
  await clock.advance(5 * second - 60_000)
  assert.equal(held.length, 1)
  await clock.advance(120_000)
  await until(2)
  held[1]?.writeHead(200, fresh).end('content')
  assert.equal(text(await reply), 'content')
  held[0]?.writeHead(200, fresh).end('late')
  assert.equal(text(await lost), 'late')
})

test('when the one who asks gives up, another one asks', async (t) => {
  const { held, clock, senders, until } = await processes(t, 3)
  const leaving = new AbortController()
  const leader = senders[0]({ signal: leaving.signal })
  await until(1)
  const others = [senders[1](), (senders[2] as Send)()]
  await clock.advance(second)
  leaving.abort()
  await assert.rejects(leader, AbortError)
  await clock.advance(100_000)
  await until(2)
  await clock.advance(second)
  held[1]?.writeHead(200, fresh).end('content')
  for (const reply of await inTime(clock, others)) assert.equal(text(reply), 'content')
  assert.equal(held.length, 2)
})

test('who waits can be aborted, and leaves no lease behind', async (t) => {
  const { held, clock, senders, until, store } = await processes(t, 2)
  const leader = senders[0]()
  await until(1)
  const leaving = new AbortController()
  const reply = senders[1]({ signal: leaving.signal })
  await clock.advance(100_000)
  leaving.abort()
  await assert.rejects(reply, AbortError)
  held[0]?.writeHead(200, fresh).end('content')
  await leader
  await clock.advance(100_000)
  const key = [...store.memory.entries('')][0]?.key as string
  assert.equal(store.memory.claim(key, 'other', second), true)
})

test('answers that are not for others keep nobody waiting: only the first is waited for, and then for a while none', async (t) => {
  const { held, clock, senders, until } = await processes(t, 8)
  const replies = senders.map((send) => send())
  await until(1)
  await clock.advance(second)
  assert.equal(held.length, 1)
  held[0]?.writeHead(200, noStore).end('for one')
  await replies[0]
  await clock.advance(400_000)
  await until(8)
  for (const response of held.slice(1)) response.writeHead(200, noStore).end()
  await Promise.all(replies)
  const again = Promise.all(senders.flatMap((send) => [send(), send()]))
  await until(8 + 16)
  for (const response of held.slice(8)) response.end()
  await again
})

test('an answer that can be shared again ends that', async (t) => {
  const { held, clock, senders, until } = await processes(t, 2)
  const first = senders[0]()
  await until(1)
  held[0]?.writeHead(200, noStore).end()
  await first
  const second_ = senders[0]()
  await until(2)
  held[1]?.writeHead(200, { 'Cache-Control': 'max-age=1' }).end()
  await second_
  await clock.advance(2 * second)
  const replies = [senders[0](), senders[0](), senders[1]()]
  await until(3)
  held[2]?.writeHead(200, fresh).end('content')
  await inTime(clock, replies)
  assert.equal(held.length, 3)
})

test('who does not want to wait for a slot does not wait for another process either', async (t) => {
  const { held, senders, until } = await processes(t, 2)
  const leader = senders[0]()
  await until(1)
  const hasty = senders[1]({ features: { limit: { cost: 1, maxWait: 0, priority: 0, keys: undefined } } })
  await until(2)
  for (const response of held) response.writeHead(200, fresh).end('content')
  assert.deepEqual([text(await hasty), text(await leader)], ['content', 'content'])
})

test('a refusal says nothing about later answers: those are still put together', async (t) => {
  const { held, clock, senders, until } = await processes(t, 2)
  const refused = senders[0]()
  await until(1)
  held[0]?.writeHead(429).end()
  await refused
  const replies = [senders[0](), senders[1]()]
  await until(2)
  held[1]?.writeHead(200, fresh).end('content')
  assert.deepEqual([(await inTime(clock, replies)).map(text), held.length], [['content', 'content'], 2])
})

test('streams are put together across processes, once they are stored', async (t) => {
  const { held, clock, senders, until } = await processes(t, 3)
  const read = async (send: Send): Promise<string> =>
    (await readAll((await send({ reading: 'stream' })).stream)).toString()
  const contents = senders.map(read)
  await until(1)
  held[0]?.writeHead(200, fresh).write('cont')
  await clock.advance(second)
  held[0]?.end('ent')
  assert.deepEqual(await inTime(clock, contents), ['content', 'content', 'content'])
  assert.equal(held.length, 1)
})

test('a stream that proves too large to be stored holds nobody any more, though it goes on', async (t) => {
  const { held, clock, senders, until } = await processes(t, 8)
  const streaming = senders[0]({ reading: 'stream' })
  await until(1)
  held[0]?.writeHead(200, fresh).write('x'.repeat(600))
  const reading = (await streaming).stream?.[Symbol.asyncIterator]()
  await reading?.next()
  const replies = senders.slice(1).map((send) => send())
  await clock.advance(second)
  assert.equal(held.length, 1)
  held[0]?.write('x'.repeat(600))
  await reading?.next()
  await clock.advance(400_000)
  await until(2)
  held[1]?.writeHead(200, fresh).end('content')
  assert.deepEqual(new Set((await inTime(clock, replies)).map(text)), new Set(['content']))
  assert.equal(held.length, 2)
  await reading?.return?.()
})

test('a stream that sets cookies is for one alone, and holds nobody, though it is stored', async (t) => {
  const { held, clock, senders, until, store } = await processes(t, 3)
  const streaming = senders[0]({ reading: 'stream' })
  await until(1)
  const replies = senders.slice(1).map((send) => send())
  const cookies = { ...fresh, 'Set-Cookie': 'sid=1' }
  held[0]?.writeHead(200, cookies).write('first')
  const contents = readAll((await streaming).stream)
  await clock.advance(200_000)
  await until(3)
  for (const response of held.slice(1)) response.writeHead(200, { ...fresh, Vary: 'X' }).end('second')
  assert.deepEqual((await Promise.all(replies)).map(text), ['second', 'second'])
  held[0]?.end('!')
  assert.equal(String(await contents), 'first!')
  await clock.advance(0)
  assert.equal(store.memory.size('').entries, 2)
})

test('what is one user’s own is kept on a shared store only where it can be told whose it is', async (t) => {
  const { held, clock, senders, until, store } = await processes(t, 1)
  const own = { 'Cache-Control': 'private, max-age=60', 'Set-Cookie': 'sid=1' }
  for (const headers of [[], ['Authorization', 'Bearer me']]) {
    const reply = senders[0]({ headers })
    await until(held.length + 1)
    held.at(-1)?.writeHead(200, own).end('mine')
    assert.equal((await reply).cacheStatus?.stored, headers.length > 0)
    await clock.advance(0)
    assert.equal(store.memory.size('').entries, headers.length / 2)
  }
})

test('a stream that nobody reads on holds others for two seconds at most', async (t) => {
  const { held, clock, senders, until } = await processes(t, 2)
  const streaming = senders[0]({ reading: 'stream' })
  await until(1)
  held[0]?.writeHead(200, fresh).write('first')
  const reading = (await streaming).stream?.[Symbol.asyncIterator]()
  await reading?.next()
  const reply = senders[1]()
  await clock.advance(second / 2)
  assert.equal(held.length, 1)
  await clock.advance(1.6 * second)
  await until(2)
  held[1]?.writeHead(200, fresh).end('second')
  assert.equal(text(await reply), 'second')
  held[0]?.end('!')
  assert.equal(String((await reading?.next())?.value), '!')
  assert.equal((await reading?.next())?.done, true)
})

const never = (): Promise<never> => new Promise(() => undefined)

test('a store that hangs when it is written to keeps a lease for as long as it may take, and no longer', async (t) => {
  const { held, clock, senders, until, store } = await processes(t, 1)
  store.put = never
  for (let n = 1; n <= 3; n++) {
    const reply = senders[0]()
    await until(n)
    held[n - 1]?.writeHead(200, { 'Cache-Control': 'max-age=0', ETag: `"${n}"` }).end(String(n))
    assert.equal(text(await reply), String(n))
    await nextTurn()
    await clock.advance(500_000)
    await clock.advance(1)
  }
})

test('a lease that could not be given back is, when the store is back', async (t) => {
  const { held, clock, senders, until, store } = await processes(t, 2)
  const answered = async (n: number, send: Send): Promise<void> => {
    const reply = send()
    await until(n)
    held[n - 1]?.writeHead(200, { 'Cache-Control': 'max-age=0', ETag: `"${n}"` }).end(String(n))
    assert.equal(text(await reply), String(n))
  }
  store.release = never
  await answered(1, senders[0])
  await clock.advance(500_000)
  // nobody waits for a store that hangs, nor to find out whether it is back
  await answered(2, senders[1])
  await clock.advance(100_000)
  await answered(3, senders[0])
  await clock.advance(1)
  await answered(4, senders[1])
})

test('a stream that arrives slowly, and is read, holds the others no longer than its lease', async (t) => {
  const { held, clock, senders, until } = await processes(t, 2)
  const streaming = senders[0]({ reading: 'stream' })
  await until(1)
  held[0]?.writeHead(200, fresh).write('slow')
  const contents = readAll((await streaming).stream)
  const reply = senders[1]()
  await clock.advance(4.9 * second)
  assert.equal(held.length, 1)
  await clock.advance(0.2 * second)
  await until(2)
  held[1]?.writeHead(200, fresh).end('fast')
  assert.equal(text(await reply), 'fast')
  held[0]?.end()
  assert.equal(String(await contents), 'slow')
})

const failures: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'a 503 without a lifetime': (response) => response.writeHead(503).end(),
  'a lost connection': (response) => response.destroy(),
  'a 429': (response) => response.writeHead(429).end(),
}

for (const [name, fail] of Object.entries(failures)) {
  test(`${name} is for one alone: the others ask at once, and not one behind the other`, async (t) => {
    const { held, clock, senders, until } = await processes(t, 8)
    const replies = senders.map((send) => send().catch((error: unknown) => error))
    await until(1)
    await clock.advance(second)
    assert.equal(held.length, 1)
    fail(held[0] as ServerResponse)
    await replies[0]
    await clock.advance(400_000)
    await until(8)
    for (const response of held.slice(1)) response.writeHead(200, fresh).end('content')
    await Promise.all(replies)
    // whoever asks from then on is put together again
    await clock.advance(second)
    const again = senders.map((send) => send({}, '/b'))
    await until(9)
    held[8]?.writeHead(200, fresh).end('content')
    await inTime(clock, again)
    assert.equal(held.length, 9)
  })
}

test('a store that is not shared is asked for no lease, and a hit asks for none anywhere', async (t) => {
  for (const shared of [false, true]) {
    const { held, clock, senders, until, store } = await processes(t, 1, shared)
    const reply = senders[0]()
    await until(1)
    held[0]?.writeHead(200, fresh).end()
    await inTime(clock, [reply])
    await clock.advance(0)
    const expected = shared ? ['match', 'claim', 'match', 'expect', 'put', 'release'] : ['match', 'put']
    assert.deepEqual(store.calls, expected)
    store.calls.length = 0
    assert.equal((await senders[0]()).cacheStatus?.hit, true)
    assert.deepEqual(store.calls, ['match'])
  }
})

test('a store that is still being started is given what was asked for meanwhile, one that went away is not', async (t) => {
  for (const isStarting of [true, false]) {
    const { held, clock, senders, until, store } = await processes(t, 1)
    if (!isStarting) await senders[0]({ features: { cache: 'only-if-cached' } }).catch(() => undefined)
    store.mood = 'hangs'
    const asked = store.calls.length
    const reply = senders[0]()
    while (store.calls.length === asked) await nextTurn()
    await clock.advance(500_000)
    await until(1)
    held[0]?.writeHead(200, fresh).end('content')
    assert.equal(text(await reply), 'content')
    store.letGo()
    await clock.advance(0)
    assert.equal(store.memory.size('').entries, isStarting ? 1 : 0)
  }
})

test('a store that knows no leases keeps nobody from asking', async (t) => {
  const { held, senders, until, store, errors } = await processes(t, 2)
  store.mood = { reads: 'well', writes: 'rejects' }
  const replies = senders.map((send) => send())
  await until(2)
  for (const response of held) response.writeHead(200, fresh).end('content')
  await Promise.all(replies)
  assert.ok(
    errors.length > 0 && errors.every((error) => error === store.failure || error instanceof SessionError),
  )
})
