import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, describe, test, type TestContext } from 'node:test'
import { BatchError, type RequestObject, type Response, Session } from '../../src/index.ts'
import { brokenServer } from '../../src/testing/broken-server.ts'
import { type Echo, sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const session = sessionOn(server)

/** Nothing that these tests do may end in a rejection that nobody handles. */
const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => void unhandled.push(reason))
const warnings: Error[] = []
process.on('warning', (warning) => void warnings.push(warning))
after(() => {
  assert.deepEqual(unhandled, [])
  assert.deepEqual(warnings, [])
})

const argsOf = (response: Response): unknown => response.json<Echo>().args

/** What `work` throws, as a BatchError. */
async function batchError(work: () => PromiseLike<unknown>): Promise<BatchError<Response>> {
  try {
    await work()
  } catch (error) {
    assert.ok(error instanceof BatchError, String(error))
    return error as BatchError<Response>
  }
  return assert.fail('it did not throw')
}

/** Resolves when it is true; checks at each turn of the timers. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1)
}

describe('what can be requested', () => {
  test('responses come in input order, however long each takes', async () => {
    const urls = ['/delay/0.06?id=0', '/delay/0.03?id=1', '/get?id=2', '/delay/0.01?id=3']
    const responses = await session.requests(urls)
    assert.deepEqual(responses.map(argsOf), [{ id: '0' }, { id: '1' }, { id: '2' }, { id: '3' }])
    const iterated: unknown[] = []
    for await (const response of session.requests(urls)) iterated.push(argsOf(response))
    assert.deepEqual(iterated, responses.map(argsOf))
  })

  test('ordered: false gives them as they finish', async () => {
    const seen: unknown[] = []
    for await (const response of session.requests(['/delay/0.2?id=0', '/get?id=1'], { ordered: false })) {
      seen.push(argsOf(response))
    }
    assert.deepEqual(seen, [{ id: '1' }, { id: '0' }])
  })

  test('one string is one URL, and so is one URL or one request object', async () => {
    for (const one of ['/get?id=1', new URL(`${server.url}/get?id=1`), { url: '/get?id=1' }]) {
      const responses = await session.requests(one)
      assert.deepEqual(responses.map(argsOf), [{ id: '1' }])
    }
    assert.deepEqual(await session.requests([]), [])
  })

  test('request objects have their own method, content, headers, params, timeout and limits', async () => {
    const own = sessionOn(server, { headers: { 'x-session': 's', 'x-own': 'session' } })
    const objects: RequestObject[] = [
      { url: '/anything?id=0', method: 'post', json: { a: 1 } },
      { url: new URL('/anything?id=1', server.url), headers: { 'x-own': 'object' }, params: { b: 2 } },
      { url: '/delay/5', timeout: '50ms' },
      { url: '/redirect/1', redirect: 'manual' },
    ]
    const responses = await own.requests(objects, { headers: { 'x-batch': 'b' }, method: 'PUT' })
    const [first, second] = responses.map((response) => (response.ok ? response.json<Echo>() : undefined))
    assert.deepEqual([first?.method, first?.json, first?.headers['X-Own']], ['POST', { a: 1 }, 'session'])
    assert.deepEqual([second?.method, second?.args], ['PUT', { id: '1', b: '2' }])
    assert.deepEqual(
      ['X-Own', 'X-Batch', 'X-Session'].map((name) => second?.headers[name]),
      ['object', 'b', 's'],
    )
    assert.equal(responses[2]?.error?.code, 'ERR_TIMEOUT_TOTAL')
    assert.equal(responses[3]?.status, 405) // PUT, which the redirect does not know
  })

  test('the signal of a request object ends that request alone, the batch’s ends it too', async () => {
    const own = new AbortController()
    const batch = session.requests([{ url: '/delay/5', signal: own.signal }, '/get'])
    setTimeout(() => own.abort(), 50)
    const [aborted, fine] = await batch
    assert.deepEqual([aborted?.error?.code, fine?.status], ['ERR_ABORTED', 200])
    const whole = new AbortController()
    const other = new AbortController()
    setTimeout(() => whole.abort(), 50)
    const error = await batchError(() =>
      session.requests([{ url: '/delay/5', signal: other.signal }], { signal: whole.signal }),
    )
    assert.equal(error.responses[0]?.error?.code, 'ERR_ABORTED')
    const startedAt = performance.now()
    for await (const _ of session.requests(['/ip', { url: '/delay/5', signal: other.signal }])) break
    assert.ok(performance.now() - startedAt < 3_000, 'leaving the loop did not abort it')
  })

  test('what only a batch can be told is refused in a request object, in its place', async () => {
    const objects = [
      { url: '/ip', callbacks: [] },
      { url: '/ip', raiseErrors: true },
      { url: '/ip', returnCallbacks: true },
    ]
    const responses = await session.requests([...objects, '/ip'] as string[])
    assert.deepEqual(
      responses.map(({ error }) => error?.code),
      ['ERR_OPTION', 'ERR_OPTION', 'ERR_OPTION', undefined],
    )
    assert.match(String(responses[0]?.error), /callbacks: .*requests\(\)/)
  })

  test('one method for each url, and a list of another length is an error before anything is sent', async () => {
    const urls = ['/anything', '/anything', '/get']
    const methods = ['POST', 'patch', 'HEAD']
    const responses = await session.requests(urls, { method: methods })
    assert.deepEqual(
      responses.map(({ method, status }) => [method, status]),
      [
        ['POST', 200],
        ['PATCH', 200],
        ['HEAD', 200],
      ],
    )
    const before = server.count
    assert.throws(() => session.requests(urls, { method: ['GET'] }), {
      name: 'OptionError',
      message: /method: 1 methods for 3 urls/,
    })
    assert.equal(server.count, before)
  })

  test('generators and async generators', async () => {
    function* plain(): Generator<string> {
      for (let id = 0; id < 5; id++) yield `/get?id=${id}`
    }
    async function* later(): AsyncGenerator<string> {
      for (const url of plain()) {
        await sleep(1)
        yield url
      }
    }
    const wanted = ['0', '1', '2', '3', '4'].map((id) => ({ id }))
    assert.deepEqual((await session.requests(plain())).map(argsOf), wanted)
    assert.deepEqual((await session.requests(later())).map(argsOf), wanted)
    const seen: unknown[] = []
    for await (const response of session.requests(later(), { concurrency: 2 })) seen.push(argsOf(response))
    assert.deepEqual(seen, wanted)
  })
})

describe('bounded', () => {
  test('a generator is never more than concurrency ahead of the loop, nor the server busy with more', async () => {
    let pulled = 0
    let taken = 0
    let ahead = 0
    function* urls(): Generator<string> {
      for (; pulled < 60;) {
        pulled++
        ahead = Math.max(ahead, pulled - taken)
        yield `/drip?duration=0.01&numbytes=1`
      }
    }
    await using own = new Session({ baseUrl: server.url })
    const before = server.count
    let most = 0
    for await (const { status } of own.requests(urls(), { concurrency: 4 })) {
      assert.equal(status, 200)
      most = Math.max(most, server.count - before - taken)
      taken++
    }
    assert.deepEqual([taken, pulled, server.count - before], [60, 60, 60])
    assert.equal(ahead, 4)
    assert.ok(most <= 4, `${most} requests were under way or not taken yet`)
  })

  test('a loop that stands still stops the generator, and leaving it returns the generator', async () => {
    let pulled = 0
    let returned = false
    function* urls(): Generator<string> {
      try {
        for (;;) yield `/get?id=${pulled++}`
      } finally {
        returned = true
      }
    }
    for await (const _ of session.requests(urls(), { concurrency: 3 })) {
      await sleep(60)
      assert.ok(pulled <= 3, `${pulled} were pulled for one that was taken`)
      break
    }
    assert.equal(returned, true)
  })

  test('break aborts what is in flight, and its connections end', async () => {
    await using hanging = await brokenServer('hang')
    await using own = new Session()
    const urls = [`${server.url}/ip`, hanging.url, hanging.url]
    for await (const { status } of own.requests(urls)) {
      assert.equal(status, 200)
      await until(() => hanging.requests === 2)
      break
    }
    await own.close() // would wait for them
  })

  test('a source that throws: what was sent is finished and kept in the BatchError, iterated or awaited', async () => {
    function* urls(): Generator<string> {
      yield '/get?id=0'
      yield '/get?id=1'
      throw new Error('the file ended')
    }
    const error = await batchError(() => session.requests(urls()))
    assert.deepEqual(error.responses.map(argsOf), [{ id: '0' }, { id: '1' }])
    assert.match(error.message, /stopped after 2 requests: the file ended/)
    const seen: unknown[] = []
    await batchError(async () => {
      for await (const response of session.requests(urls())) seen.push(argsOf(response))
    })
    assert.deepEqual(seen, [{ id: '0' }, { id: '1' }])
  })
})

describe('callbacks', () => {
  test('sync and async ones are called in turn, and their results kept when that is asked for', async () => {
    const order: string[] = []
    const callbacks = [
      async ({ status }: Response, index?: number): Promise<string> => {
        await sleep(5)
        order.push(`a${index}`)
        return `${status}`
      },
      (_: Response, index?: number): number => order.push(`b${index}`),
    ]
    const kept = await session.requests(['/ip', '/uuid'], { callbacks, returnCallbacks: true })
    assert.deepEqual(kept[0]?.callbacks?.[0], '200')
    for (const index of [0, 1]) assert.ok(order.indexOf(`a${index}`) < order.indexOf(`b${index}`))
    const dropped = await session.requests(['/ip'], { callbacks })
    assert.equal(dropped[0]?.callbacks, undefined)
    const [own] = await sessionOn(server, { returnCallbacks: true }).requests(['/ip'], { callbacks })
    assert.equal(own?.callbacks?.length, 2)
  })

  test('one that throws costs neither the response nor the other callbacks', async (context) => {
    const write = context.mock.method(process.stderr, 'write', () => true)
    const callbacks = [
      (): never => {
        throw new Error('mine')
      },
      (): Promise<never> => Promise.reject(new Error('later')),
      (): number => 7,
    ]
    const [response] = await session.requests(['/ip'], { callbacks, returnCallbacks: true })
    const single = await session.get('/ip', { callbacks, returnCallbacks: true })
    write.mock.restore()
    for (const { status, callbacks: results } of [response as Response, single]) {
      assert.equal(status, 200)
      const [first, second, third] = results as [Error, Error, number]
      assert.deepEqual([first.name, third], ['SessionError', 7])
      assert.match(`${first.message} ${second.message}`, /mine.*later/)
    }
    assert.equal(write.mock.callCount(), 4)
  })
})

describe('failures', () => {
  test('keep their place, and everything else is done', async () => {
    const before = server.count
    const urls = ['/get?id=0', 'http://[::1', '/get?id=2', 'ftp://127.0.0.1/', '/status/500']
    const responses = await session.requests(urls)
    assert.deepEqual(
      responses.map(({ status, error }) => [status, error?.code]),
      [
        [200, undefined],
        [0, 'ERR_URL'],
        [200, undefined],
        [0, 'ERR_URL'],
        [500, undefined],
      ],
    )
    assert.equal(server.count - before, 3)
  })

  test('raiseErrors throws a BatchError at the end, with everything that finished', async () => {
    await using broken = await brokenServer('reset')
    const urls = ['/get?id=0', broken.url, '/get?id=2']
    const error = await batchError(() => session.requests(urls, { raiseErrors: true }))
    assert.deepEqual(
      error.responses.map(({ status }) => status),
      [200, 0, 200],
    )
    assert.deepEqual(
      error.errors.map((each) => (each as { code?: string }).code),
      ['ERR_CONNECTION_LOST'],
    )
    assert.match(error.message, /^1 of 3 requests failed; the first: GET/)
    let count = 0
    await batchError(async () => {
      for await (const _ of session.requests(urls, { raiseErrors: true })) count++
    })
    assert.equal(count, 3)
  })

  test('targets that are none at all are told in their place; wrong options at once', async () => {
    const nonsense = [null, 5, undefined, {}, '/ip'] as string[]
    const responses = await session.requests(nonsense)
    assert.deepEqual(
      responses.map(({ error }) => error?.code),
      ['ERR_OPTION', 'ERR_OPTION', 'ERR_OPTION', 'ERR_OPTION', undefined],
    )
    assert.throws(() => session.requests(undefined as unknown as string), {
      name: 'OptionError',
      message: /urls/,
    })
    assert.throws(() => session.requests(5 as unknown as string), { name: 'OptionError' })
    assert.throws(() => session.requests('/ip', { concurrency: 0 }), { name: 'OptionError' })
    assert.throws(() => session.requests('/ip', { headers: { 'x-a': 'b\n' } }), { code: 'ERR_HEADER' })
  })

  test('the signal stops the batch; what finished is in the BatchError', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const urls = ['/get?id=0', '/delay/5']
    const callbacks = [() => controller.abort(reason)]
    const error = await batchError(() => session.requests(urls, { signal: controller.signal, callbacks }))
    assert.deepEqual(
      error.responses.map((response) => [response.status, response.error?.code]),
      [
        [200, undefined],
        [0, 'ERR_ABORTED'],
      ],
    )
    assert.equal((error.cause as Error).cause, reason)
    const none = await batchError(() => session.requests(urls, { signal: AbortSignal.abort(reason) }))
    assert.deepEqual(none.responses, [])
  })

  test('closing the session in the middle fails what comes after, and loses nothing', async () => {
    const own = new Session({ baseUrl: server.url })
    const seen: (string | undefined)[] = []
    for await (const { error } of own.requests(['/ip', '/ip', '/ip'], { concurrency: 1 })) {
      seen.push(error?.code)
      await own.close()
    }
    assert.deepEqual(seen, [undefined, 'ERR_CLOSED', 'ERR_CLOSED'])
  })
})

describe('a batch is as good as its session', () => {
  test('headers, params, cookies, limit and cache of the session apply to each request', async () => {
    const own = sessionOn(server, {
      headers: { 'x-session': 'yes' },
      params: { token: 't' },
      cookies: true,
      cache: { mode: 'ttl' },
      ratelimit: { limit: 3, window: '1h', perHost: true, raiseErrors: true },
    })
    await own.get('/cookies/set/a/1', { ratelimit: false })
    const responses = await own.requests(['/get?id=1', '/get?id=1', '/headers', '/uuid', '/ip'], {
      concurrency: 1,
    })
    const echo = responses[0]?.json<Echo>()
    assert.deepEqual(
      [echo?.args, echo?.headers['X-Session'], echo?.headers['Cookie']],
      [{ id: '1', token: 't' }, 'yes', 'a=1'],
    )
    assert.deepEqual(
      responses.map(({ fromCache, error }) => error?.code ?? fromCache),
      [false, true, false, false, 'ERR_RATELIMIT'],
    )
  })

  test('the options of the call apply to each, and one content is sent with all of them', async () => {
    const data = new FormData()
    data.set('field', 'value')
    for (const content of [
      { json: { a: 1 } },
      { form: { field: 'value' } },
      { body: data },
      { body: 'text' },
    ]) {
      const responses = await session.requests(['/anything', '/anything', '/anything'], {
        method: 'POST',
        ...content,
      })
      const echoes = responses.map((response) => response.json<Echo>())
      for (const echo of echoes) {
        assert.deepEqual(
          [echo.json, echo.form, echo.data],
          [echoes[0]?.json, echoes[0]?.form, echoes[0]?.data],
        )
        assert.ok(
          echo.json !== null || echo.form['field'] === 'value' || echo.data === 'text',
          JSON.stringify(echo),
        )
      }
    }
  })

  test('a stream cannot be the content of many: the first gets it whole, the others say so', async () => {
    async function* lines(): AsyncGenerator<string> {
      for (const line of ['one', 'two', 'three']) {
        await sleep(1)
        yield line
      }
    }
    const sources = [lines(), new Blob(['one', 'two', 'three']).stream()]
    for (const body of sources) {
      const responses = await session.requests(['/post', '/post', '/post'], { method: 'POST', body })
      const outcomes = responses.map((response) =>
        response.ok ? response.json<Echo>().data : response.error?.code,
      )
      assert.deepEqual(
        outcomes.toSorted((a, b) => String(a).localeCompare(String(b))),
        ['ERR_BODY', 'ERR_BODY', 'onetwothree'],
      )
      const failed = responses.find((response) => !response.ok)
      assert.match(String(failed?.error), /sent only once/)
    }
    const spent = lines()
    assert.equal((await session.post('/post', { body: spent })).json<Echo>().data, 'onetwothree')
    await assert.rejects(session.post('/post', { body: spent }), {
      code: 'ERR_BODY',
      message: /sent only once/,
    })
  })

  test('a batch that is never awaited sends nothing, one that is awaited twice sends once', async () => {
    const before = server.count
    session.requests(['/ip'])
    const batch = session.requests(['/ip', '/ip'])
    const [one, two] = await Promise.all([batch, batch])
    assert.equal(one, two)
    await sleep(20)
    assert.equal(server.count - before, 2)
    assert.throws(() => batch[Symbol.asyncIterator](), { name: 'OptionError', message: /runs once/ })
  })

  test('fifty at a time make no listener warnings', async (context: TestContext) => {
    const { signal } = new AbortController()
    const urls = Array.from({ length: 120 }, (_, id) => `/get?id=${id}`)
    const responses = await session.requests(urls, { signal })
    assert.ok(responses.every(({ ok }) => ok))
    context.diagnostic(`${warnings.length} warnings`)
    assert.deepEqual(warnings, [])
  })
})
