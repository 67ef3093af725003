import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import {
  AbortError,
  BatchError,
  NetworkError,
  OptionError,
  type Response,
  Session,
  SessionConfig,
  type SessionError,
  SyncSession,
} from '../../src/index.ts'
import type { Echo } from '../session/support.ts'
import { RecordedTerminal } from './recorded-terminal.ts'
import { blockingSession, spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()
const session = blockingSession(server)
const unreachable = 'http://127.0.0.1:1/'

const ids = (responses: readonly Response[]): unknown[] =>
  responses.map((response) => response.json<Echo>().args['id'])

function* numbered(count: number): Generator<string, void, undefined> {
  for (let id = 0; id < count; id++) yield `/get?id=${id}`
}

test('requests gives all responses in input order, whatever the source is', () => {
  const wanted = Array.from({ length: 120 }, (_, id) => String(id))
  assert.deepEqual(ids(session.requests(numbered(120), { concurrency: 7 })), wanted)
  assert.deepEqual(ids(session.requests([...numbered(120)])), wanted)
  assert.deepEqual(session.requests([]), [])
  assert.equal(session.requests('/ip').length, 1)
  assert.equal(session.requests(new URL('/ip', server.url))[0]?.status, 200)
})

test('methods and request objects are heeded; a list of methods must be as long as the urls', () => {
  const told = (responses: readonly Response[]): string[] =>
    responses.map(({ method, status }) => `${method} ${status}`)
  assert.deepEqual(told(session.requests(['/post', '/post'], { method: 'POST' })), ['POST 200', 'POST 200'])
  assert.deepEqual(told(session.requests(['/get', { url: '/put', json: 1 }], { method: ['GET', 'PUT'] })), [
    'GET 200',
    'PUT 200',
  ])
  const own = { url: '/post', method: 'POST', json: { own: new Date(0) }, headers: new Headers({ a: 'b' }) }
  const [response] = session.requests([own])
  assert.deepEqual(response?.json<Echo>().json, { own: '1970-01-01T00:00:00.000Z' })
  assert.throws(() => session.requests(['/a', '/b'], { method: ['GET'] }), OptionError)
})

test('a failed request is its network-error response in its place', () => {
  const stream = { url: '/post', method: 'POST', body: new ReadableStream() }
  const responses = session.requests(['/ip', unreachable, 'nope:', stream, 5 as never, '/ip'])
  assert.deepEqual(
    responses.map(({ status }) => status),
    [200, 0, 0, 0, 0, 200],
  )
  assert.ok(responses[1]?.error instanceof NetworkError)
  assert.equal(responses[2]?.error?.code, 'ERR_URL')
  assert.match(responses[3]?.error?.message ?? '', /^body: .*use Session/)
  assert.equal(responses[3]?.method, 'POST')
})

test('with raiseErrors a BatchError carries all that finished', () => {
  assert.throws(
    () => session.requests(['/ip', unreachable], { raiseErrors: true }),
    (error: unknown) => {
      assert.ok(error instanceof BatchError)
      assert.deepEqual(
        (error.responses as Response[]).map(({ status }) => status),
        [200, 0],
      )
      assert.ok(error.cause instanceof NetworkError)
      return true
    },
  )
})

test('misuse is told before anything is sent', async () => {
  const before = await server.count()
  assert.throws(() => session.requests(['/ip'], { concurrency: 0 }), /concurrency: 0/)
  assert.throws(() => session.requests(['/ip'], { timout: '1s' } as never), /'timout'/)
  assert.throws(() => session.requests(['/ip'], { callbacks: [5 as never] }), /callbacks\[0\]/)
  assert.throws(() => session.requests(5 as never), OptionError)
  assert.equal(await server.count(), before)
})

test('iterate holds at most `concurrency` requests, and leaving the loop ends it and the source', () => {
  let pulled = 0
  let isClosed = false
  function* endless(): Generator<string, void, undefined> {
    try {
      for (;;) yield `/get?id=${pulled++}`
    } finally {
      isClosed = true
    }
  }
  const seen: unknown[] = []
  for (const response of session.iterate(endless(), { concurrency: 4 })) {
    assert.ok(pulled - seen.length <= 4, `${pulled} pulled, ${seen.length} taken`)
    seen.push(...ids([response]))
    if (seen.length === 30) break
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 30 }, (_, id) => String(id)),
  )
  assert.equal(isClosed, true)
  assert.equal(session.get('/ip').status, 200)
})

test('unordered, responses come as they finish', () => {
  const urls = ['/delay/0.4', '/get?id=1', '/get?id=2']
  const paths = [...session.iterate(urls, { ordered: false })].map(({ url }) => new URL(url).pathname)
  assert.equal(paths.at(-1), '/delay/0.4')
})

test('a loop may use the session, and so may the source', () => {
  const seen: number[] = []
  function* source(): Generator<string, void, undefined> {
    for (let i = 0; i < 3; i++) yield `/status/${session.get('/ip').status + i}`
  }
  for (const response of session.iterate(source())) seen.push(response.status + session.get('/ip').status)
  assert.deepEqual(seen, [400, 401, 402])
})

test('a source that throws stops the batch with what there is', () => {
  const own = new Error('no more')
  function* failing(): Generator<string, void, undefined> {
    yield '/get?id=0'
    throw own
  }
  assert.throws(
    () => session.requests(failing()),
    (error: unknown) =>
      error instanceof BatchError && error.cause === own && ids(error.responses as Response[])[0] === '0',
  )
  const delivered: unknown[] = []
  assert.throws(() => {
    for (const response of session.iterate(failing())) delivered.push(...ids([response]))
  }, BatchError)
  assert.deepEqual(delivered, ['0'])
})

test('callbacks are called with each response and its number; results and exceptions are kept', (t) => {
  t.after(() => SessionConfig.reset())
  SessionConfig.printCallbackExceptions = false
  const numbers: (number | undefined)[] = []
  const responses = session.requests(numbered(5), {
    callbacks: [
      (response, index) => {
        numbers.push(index)
        if (index === 3) throw new RangeError('three')
        return response.status
      },
    ],
    returnCallbacks: true,
  })
  assert.deepEqual(
    numbers.toSorted((a = 0, b = 0) => a - b),
    [0, 1, 2, 3, 4],
  )
  assert.deepEqual(responses[4]?.callbacks, [200])
  const failure = responses[3]?.callbacks?.[0] as SessionError
  assert.ok(failure.code === 'ERR_CALLBACK' && failure.cause instanceof RangeError)
  assert.equal(session.requests('/ip', { callbacks: [() => 1] })[0]?.callbacks, undefined)
})

test('callbacks are not called for failures, unless SessionConfig says so', (t) => {
  t.after(() => SessionConfig.reset())
  const called: number[] = []
  const callbacks = [(response: Response) => called.push(response.status)]
  session.requests(unreachable, { callbacks })
  SessionConfig.runCallbacksOnError = true
  session.requests(unreachable, { callbacks })
  assert.deepEqual(called, [0])
})

test('a callback can stop the batch by its signal', () => {
  const controller = new AbortController()
  const reason = new Error('enough')
  assert.throws(
    () =>
      session.requests(numbered(1_000), {
        concurrency: 5,
        signal: controller.signal,
        callbacks: [(_, index) => (index ?? 0) >= 10 && controller.abort(reason)],
      }),
    (error: unknown) => {
      assert.ok(error instanceof BatchError)
      assert.deepEqual((error.cause as Error).cause, reason)
      assert.ok(error.responses.length > 10 && error.responses.length < 30, `${error.responses.length}`)
      return true
    },
  )
})

test('whatever the reason of a signal is, it stops the batch, and is the cause of what it aborted', () => {
  class Mine {
    late = (): number => 1
  }
  const reasons = [new Mine(), Symbol('mine'), new Map([[{}, () => 1]]), () => 1, new WeakMap(), 'text']
  for (const reason of reasons) {
    const controller = new AbortController()
    assert.throws(
      () =>
        session.requests(['/ip', '/delay/10', '/ip'], {
          concurrency: 2,
          signal: controller.signal,
          callbacks: [() => controller.abort(reason)],
        }),
      (error: unknown) => {
        assert.ok(error instanceof BatchError && error.cause instanceof AbortError)
        assert.equal(error.cause.cause, reason)
        const aborted = (error.responses as Response[])[1]?.error
        assert.ok(aborted instanceof AbortError)
        assert.equal(aborted.cause, reason)
        return true
      },
    )
  }
})

test('progress is counted and drawn although the thread is blocked', () => {
  const stream = new RecordedTerminal()
  const listeners = process.listenerCount('SIGINT')
  session.requests(['/delay/0.3', '/ip', '/ip'], {
    progress: { stream },
    callbacks: [
      () => {
        stream.write('said\n')
        assert.equal(process.listenerCount('SIGINT'), listeners) // nobody keeps Ctrl-C from ending the process
      },
    ],
  })
  const { text } = stream
  assert.match(text, /on [012]: said\n/)
  assert.match(text, /2\/3/) // drawn while nothing came
  assert.match(text, /3\/3 \[100%\] in /)
  assert.ok(!text.includes('\u001B[?25l'), 'the cursor is hidden, and nobody could bring it back')
})

test('a session is closed while one of its bars is up', () => {
  const own = blockingSession(server)
  const batch = own.iterate(['/ip', '/delay/0.5'], { progress: { stream: new RecordedTerminal() } })
  assert.equal(batch.next().value?.status, 200)
  own.close()
  assert.throws(
    () => batch.next(),
    (error) => error instanceof BatchError && (error.cause as SessionError).code === 'ERR_CLOSED',
  )
})

test('a bar is drawn while a function among the options blocks for another session', () => {
  const stream = new RecordedTerminal()
  let drawnMeanwhile = 0
  const cacheKey = (): string => {
    const before = stream.text.split('0/1').length
    const { url } = session.get('/delay/0.3')
    drawnMeanwhile += stream.text.split('0/1').length - before
    return url
  }
  const cached = blockingSession(server, { cache: { cacheKey } })
  const [response] = cached.requests(['/cache/60'], { progress: { stream } })
  assert.deepEqual([response?.status, response?.error], [200, undefined])
  assert.ok(drawnMeanwhile > 0, stream.text)
})

test('a batch tells the same as an asynchronous one', async () => {
  await using other = new Session({ baseUrl: server.url })
  const urls = ['/get?id=1', '/status/404', unreachable]
  const told = (responses: readonly Response[]): unknown =>
    responses.map(({ status, url, error }) => [status, url, error?.code])
  assert.deepEqual(told(session.requests(urls)), told(await other.requests(urls)))
})

test('a batch that nobody begins is nothing in the worker; its options are checked all the same', async () => {
  using own = new SyncSession({ baseUrl: server.url })
  const told = once(process, 'worker')
  own.get('/ip')
  const [worker] = (await told) as [Worker]
  const used = async (): Promise<number> => {
    own.get('/ip')
    return (await worker.getHeapStatistics()).used_heap_size
  }
  const before = await used()
  const unbegun = Array.from({ length: 20_000 }, () => own.iterate(['/ip']))
  assert.ok((await used()) < before + 40 * 2 ** 20)
  const wrong: readonly object[] = [{ headers: 5 }, { timout: 1 }, { body: 5 }, { json: 1, form: {} }]
  for (const options of wrong) assert.throws(() => own.iterate(['/ip'], options), OptionError)
  assert.equal(unbegun[0]?.next().value?.status, 200)
  own.close()
  assert.throws(() => own.iterate(['/ip']), { code: 'ERR_CLOSED' })
})
