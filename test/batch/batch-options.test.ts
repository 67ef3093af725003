import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBatch, type BatchOptions } from '../../src/batch/index.ts'
import { OptionError } from '../../src/core/errors.ts'
import { failure, generated, requests, trickled, urlsOf } from './batch-support.ts'
import { FakeSession, type Answer, type Options } from './fake-session.ts'

test('options that belong to requests go to every request, unchanged and the same', async () => {
  const session = new FakeSession()
  const headers = { accept: 'text/plain' }
  await requests(generated(3), { headers, method: 'PUT', concurrency: 2 }, session)
  const [first] = session.sent
  assert.equal(first?.options.headers, headers)
  assert.deepEqual(Object.keys(first.options).toSorted(), ['headers', 'method', 'signal'])
  assert.ok(session.sent.every(({ options }) => options === first.options))
  assert.deepEqual(session.checked, [{ headers }])
})

test('a list of methods gives each URL its own, lists and generators alike', async () => {
  function* methods(): Generator<string, void, undefined> {
    yield* ['GET', 'PUT', 'POST']
  }
  async function* slowMethods(): AsyncGenerator<string, void, undefined> {
    yield* methods()
  }
  for (const method of [['GET', 'PUT', 'POST'], methods(), slowMethods()]) {
    const urls = Array.isArray(method) ? ['/0', '/1', '/2'] : trickled(3)
    const answers = await requests(urls, { method })
    assert.deepEqual(
      answers.map((answer) => answer.method),
      ['GET', 'PUT', 'POST'],
    )
  }
})

test('lists of methods and urls of different lengths are refused before anything is sent', () => {
  const session = new FakeSession()
  const refused = { name: 'OptionError', message: /^method: 2 methods for 3 urls; give one method for all/ }
  assert.throws(() => requests(['/0', '/1', '/2'], { method: ['GET', 'PUT'] }, session), refused)
  assert.throws(() => requests(new Set(['/0', '/1', '/2']), { method: ['GET', 'PUT'] }, session), refused)
  assert.equal(session.sent.length, 0)
})

test('a batch of unknown length stops at the point where one list ends', async () => {
  for (const urls of [generated(3), trickled(3)]) {
    const error = await failure(requests(urls, { method: ['GET', 'PUT'] }))
    assert.match(error.message, /after 2 requests: method: there are fewer methods than urls/)
    assert.ok(error.cause instanceof OptionError)
    assert.deepEqual(urlsOf(error.responses), ['/0', '/1'])
  }
  for (const urls of [generated(1), trickled(1)]) {
    const error = await failure(requests(urls, { method: ['GET', 'PUT'] }))
    assert.match(error.message, /after 1 request: method: there are more methods than urls/)
  }
})

test('the list of methods is closed too when the loop is left', async () => {
  let closed = 0
  function* methods(): Generator<string, void, undefined> {
    try {
      while (true) yield 'GET'
    } finally {
      closed++
    }
  }
  for (const urls of [generated(10), trickled(10)]) {
    for await (const _ of requests(urls, { method: methods(), concurrency: 1 })) break
  }
  assert.equal(closed, 2)
})

test('wrong options are refused before anything is sent, with errors that name them', () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ concurrency: 0 }, /^concurrency: 0 must be a whole number of at least 1/],
    [{ concurrency: 1.5 }, /^concurrency: 1\.5/],
    [{ ordered: 'yes' }, /^ordered: 'yes' must be true or false/],
    [{ progress: 'always' }, /^progress: 'always' is not true, false, 'auto' or/],
    [{ progress: { lable: '' } }, /^progress: unknown option 'lable'; did you mean 'label'/],
    [{ progress: { label: 1 } }, /^progress\.label: 1 must be one line of text/],
    [{ progress: { label: 'a\nb' } }, /^progress\.label/],
    [{ progress: { total: -1 } }, /^progress\.total: -1/],
    [{ progress: { stream: {} } }, /^progress\.stream: an object cannot be written to/],
    [{ progress: null }, /^progress/],
    [{ callbacks: () => 1 }, /^callbacks: a function must be an array of functions; write \[callback\]/],
    [{ callbacks: [1] }, /^callbacks\[0\]: 1 must be a function/],
    [{ returnCallbacks: 1 }, /^returnCallbacks/],
    [{ raiseErrors: 1 }, /^raiseErrors/],
    [{ signal: {} }, /^signal: an object must be an AbortSignal/],
    [{ method: 5 }, /^method: 5 is neither a method nor a list of them/],
    [{ headres: {} }, /^unknown option headres/],
    [[], /^requests: options must be an object, not an array/],
    [null, /^requests: options must be an object, not null/],
  ]
  for (const [options, message] of wrong) {
    const session = new FakeSession()
    const create = (): unknown => createBatch('/0', options as BatchOptions<Answer, Options>, session)
    assert.throws(create, (error) => error instanceof TypeError && message.test(error.message))
    assert.equal(session.sent.length, 0)
  }
  for (const urls of [5, null, undefined, Symbol('x')]) {
    assert.throws(() => requests(urls as unknown as string), /^OptionError: urls: .* is not a URL/)
  }
})
