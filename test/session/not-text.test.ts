import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const session = sessionOn(server)

/** What the compiler refuses, as plain JavaScript would pass it. */
// oxlint-disable-next-line typescript/no-explicit-any -- wrong on purpose
const untyped = (value: unknown): any => value
/** An object that cannot become text. */
const bare: unknown = Object.create(null)

test('what is no URL is not requested under the base URL by its name', async () => {
  const before = server.count
  for (const url of [undefined, null, 5, true, {}, ['/ip'], Symbol('ip'), bare]) {
    await assert.rejects(session.get(untyped(url)), { code: 'ERR_URL', message: /is not a URL/ })
  }
  assert.equal(server.count, before)
})

test('a target that cannot become text fails in its place, and the batch goes on', async () => {
  const targets = [bare, { url: bare }, { url: '/ip', method: 5 }, { url: Symbol('ip') }, '/ip']
  const responses = await session.requests(untyped(targets))
  assert.deepEqual(
    responses.map(({ status, method, error }) => [status, method, error?.code]),
    [
      [0, 'GET', 'ERR_OPTION'],
      [0, 'GET', 'ERR_URL'],
      [0, 'GET', 'ERR_OPTION'],
      [0, 'GET', 'ERR_URL'],
      [200, 'GET', undefined],
    ],
  )
})

test('an object is refused as a header, a form field or a parameter, never sent as [object Object]', async () => {
  const before = server.count
  for (const value of [{}, bare, new Date(0), Symbol('a'), () => 'a']) {
    const fields = untyped({ 'x-a': value })
    const naming = (option: string): object => ({
      name: 'OptionError',
      message: new RegExp(`^${option}.x-a: `),
    })
    await assert.rejects(session.get('/ip', { headers: fields }), naming('headers'))
    await assert.rejects(session.get('/ip', { params: fields }), naming('params'))
    await assert.rejects(session.post('/post', { form: fields }), naming('form'))
    await assert.rejects(session.post('/post', { form: untyped({ 'x-a': [value] }) }), naming('form'))
  }
  assert.equal(server.count, before)
})
