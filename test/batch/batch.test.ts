import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AbortError, OptionError, SessionError } from '../../src/core/errors.ts'
import { failure, generated, requests, trickled, urlsOf } from './batch-support.ts'
import { FakeSession } from './fake-session.ts'

describe('an awaited batch', () => {
  test('gives all responses in input order, whatever finishes first', async () => {
    const session = new FakeSession()
    session.hold = true
    const batch = requests(generated(5), {}, session).then(urlsOf)
    await nextTurn()
    for (const index of [3, 0, 4, 1, 2]) session.sent[index]?.answer()
    assert.deepEqual(await batch, ['/0', '/1', '/2', '/3', '/4'])
  })

  test('takes a list, a set, a generator, an asynchronous generator', async () => {
    const expected = ['/0', '/1', '/2']
    for (const urls of [expected, new Set(expected), generated(3), trickled(3)]) {
      assert.deepEqual(urlsOf(await requests(urls)), expected)
    }
    assert.deepEqual(await requests([]), [])
  })

  test('takes one string as one URL, and one object as one request', async () => {
    assert.deepEqual(urlsOf(await requests('/abc')), ['/abc'])
    const url = new URL('http://127.0.0.1/')
    const targets: unknown[] = []
    const session = Object.assign(new FakeSession(), {
      send: async (target: unknown) => {
        targets.push(target)
        return { url: '', method: '' }
      },
    })
    const object = { url: '/x', method: 'PUT' }
    await requests(url as unknown as string, {}, session)
    await requests(object as unknown as string, {}, session)
    assert.deepEqual(targets, [url, object])
  })

  test('sends nothing before it is awaited, and only once however often it is', async () => {
    const session = new FakeSession()
    const batch = requests(generated(2), {}, session)
    await nextTurn()
    assert.equal(session.sent.length, 0)
    const first = await batch
    assert.equal(await batch, first)
    assert.equal(session.sent.length, 2)
  })

  test('has at most `concurrency` requests in flight, 50 unless told otherwise', async () => {
    for (const [options, expected] of [
      [{}, 50],
      [{ concurrency: 3 }, 3],
    ] as const) {
      const session = new FakeSession()
      session.hold = true
      const batch = Promise.resolve(requests(generated(120), options, session))
      let most = 0
      for (let answered = 0; answered < 120; answered++) {
        await nextTurn()
        most = Math.max(most, session.inFlight)
        session.sent[answered]?.answer()
      }
      assert.equal((await batch).length, 120)
      assert.equal(most, expected)
    }
  })

  test('gives a failed request as its network-error response in its place', async () => {
    const answers = await requests(['/0', '/fail', '/bad', '/3'])
    assert.deepEqual(
      answers.map(({ error }) => error?.message),
      [undefined, 'lost /fail', 'bad URL /bad', undefined],
    )
  })

  test('makes a network-error response even of something thrown that is no error', async () => {
    const session = Object.assign(new FakeSession(), { send: () => Promise.reject('text') })
    const [answer] = await requests(['/0'], {}, session)
    assert.ok(answer?.error instanceof SessionError)
    assert.equal(answer.error.cause, 'text')
  })

  test('with raiseErrors throws at the end, with everything that there is', async () => {
    const error = await failure(requests(['/0', '/fail', '/2', '/bad'], { raiseErrors: true }))
    assert.equal(error.code, 'ERR_BATCH')
    assert.equal(error.message, '2 of 4 requests failed; the first: lost /fail')
    assert.deepEqual(urlsOf(error.responses), ['/0', '/fail', '/2', '/bad'])
    assert.deepEqual(
      error.errors.map(({ message }) => message),
      ['lost /fail', 'bad URL /bad'],
    )
    assert.equal(error.cause, error.errors[0])
    assert.equal((await requests(['/0'], { raiseErrors: true })).length, 1)
  })

  test('that is aborted throws with what finished, and the aborted ones in their places', async () => {
    const session = new FakeSession()
    session.hold = true
    const controller = new AbortController()
    const batch = requests(generated(9), { concurrency: 3, signal: controller.signal }, session)
    const thrown = failure(batch)
    await nextTurn()
    session.sent[1]?.answer()
    await nextTurn()
    controller.abort()
    const error = await thrown
    assert.ok(error.cause instanceof AbortError)
    assert.equal(error.message, 'the batch stopped after 4 requests: the request was aborted by its signal')
    assert.deepEqual(
      error.responses.map(({ url, error: reason }) => [url, reason?.message]),
      [
        ['/0', 'aborted'],
        ['/1', undefined],
        ['/2', 'aborted'],
        ['/3', 'aborted'],
      ],
    )
    assert.equal(error.errors.length, 3)
    assert.equal(session.inFlight, 0)
  })

  test('whose urls throw loses nothing that was sent', async () => {
    function* urls(): Generator<string, void, undefined> {
      yield '/0'
      yield '/fail'
      throw new Error('database gone')
    }
    const error = await failure(requests(urls()))
    assert.equal(error.message, 'the batch stopped after 2 requests: database gone')
    assert.deepEqual(urlsOf(error.responses), ['/0', '/fail'])
    assert.equal(error.errors.length, 1)
  })

  test('says what was thrown even if that is no error', async () => {
    const urls = {
      [Symbol.iterator]: () => ({
        next: () => {
          // oxlint-disable-next-line no-throw-literal, only-throw-error -- users do
          throw 'text'
        },
      }),
    }
    assert.match((await failure(requests(urls as Iterable<string>))).message, /'text'/)
  })

  test('can be treated as a promise', async () => {
    assert.equal(
      await requests('/0')
        .catch(() => 'caught')
        .then((list) => list.length),
      1,
    )
    assert.equal(await requests('/fail', { raiseErrors: true }).catch(() => 'caught'), 'caught')
    let last = false
    assert.equal((await requests('/0').finally(() => (last = true))).length, 1)
    assert.ok(last)
    assert.equal((await Promise.all([requests('/0'), requests('/1')])).length, 2)
  })
})

describe('an iterated batch', () => {
  test('gives the responses in input order, or as they finish', async () => {
    for (const [ordered, expected] of [
      [true, ['/0', '/1', '/2']],
      [false, ['/2', '/0', '/1']],
    ] as const) {
      const session = new FakeSession()
      session.hold = true
      const batch = Array.fromAsync(requests(generated(3), { ordered }, session))
      for (const index of [2, 0, 1]) {
        await nextTurn()
        session.sent[index]?.answer()
      }
      assert.deepEqual(urlsOf(await batch), expected)
    }
  })

  test('never has sent more than `concurrency` requests ahead of a slow loop', async () => {
    const session = new FakeSession()
    let taken = 0
    for await (const _ of requests(generated(40), { concurrency: 4 }, session)) {
      await nextTurn()
      assert.ok(session.sent.length - taken <= 4)
      taken++
    }
    assert.equal(taken, 40)
  })

  test('that is left aborts what is in flight', async () => {
    const session = new FakeSession()
    session.hold = true
    setImmediate(() => session.sent[0]?.answer())
    for await (const _ of requests(generated(1_000), { concurrency: 5 }, session)) break
    assert.equal(session.inFlight, 0)
    assert.equal(session.sent.length, 5)
    assert.ok(session.sent.every(({ options }) => options.signal?.aborted))
  })

  test('whose loop throws aborts too, and throws just that', async () => {
    const session = new FakeSession()
    const own = new Error('own')
    await assert.rejects(
      async () => {
        for await (const _ of requests(generated(10), {}, session)) throw own
      },
      (error) => error === own,
    )
    assert.equal(session.inFlight, 0)
  })

  test('delivers everything before it throws', async () => {
    const stopped = new AbortController()
    function* throwing(): Generator<string, void, undefined> {
      yield '/0'
      yield '/fail'
      throw new Error('database gone')
    }
    const aborted = requests(generated(9), { signal: stopped.signal, concurrency: 1 })
    for (const [batch, message, count] of [
      [
        requests(['/fail', '/1'], { raiseErrors: true }),
        /^1 of 2 requests failed; the first: lost \/fail/,
        2,
      ],
      [requests(throwing()), /stopped after 2 requests: database gone/, 2],
      [aborted, /stopped after 1 request/, 1],
    ] as const) {
      const seen: string[] = []
      const thrown = await failure(
        (async () => {
          for await (const { url } of batch) {
            seen.push(url)
            if (batch === aborted) stopped.abort()
          }
        })(),
      )
      assert.match(thrown.message, message)
      assert.equal(seen.length, count)
      assert.deepEqual(thrown.responses, [])
    }
  })

  test('counts all failures but keeps only 1,000 errors', async () => {
    const urls = Array.from({ length: 1_200 }, () => '/fail')
    const thrown = await failure(
      (async () => {
        for await (const _ of requests(urls, { raiseErrors: true })) continue
      })(),
    )
    assert.match(thrown.message, /^1200 of 1200 /)
    assert.equal(thrown.errors.length, 1_000)
  })

  test('runs once: a second use says so', async () => {
    const iterated = requests('/0')
    await Array.fromAsync(iterated)
    await assert.rejects(async () => iterated, OptionError)
    await assert.rejects(Array.fromAsync(iterated), /a batch runs once; await it or iterate it/)
    const awaited = requests('/0')
    await awaited
    await assert.rejects(Array.fromAsync(awaited), OptionError)
  })
})

test('nothing that is thrown anywhere is left unhandled', async () => {
  const unhandled: unknown[] = []
  const listen = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', listen)
  function* urls(): Generator<string, void, undefined> {
    try {
      yield '/bad'
      yield '/fail'
      throw new Error('urls')
    } finally {
      // oxlint-disable-next-line no-unsafe-finally -- users do
      throw new Error('closing')
    }
  }
  const callbacks = [() => Promise.reject(new Error('callback'))]
  await failure(requests(urls(), { callbacks, raiseErrors: true }))
  await assert.rejects(async () => {
    for await (const _ of requests(urls(), { callbacks })) throw new Error('loop')
  }, /loop/)
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  process.off('unhandledRejection', listen)
  assert.deepEqual(unhandled, [])
})
