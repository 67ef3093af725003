import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Session } from '../../src/session/session.ts'
import { brokenServer } from '../../src/testing/broken-server.ts'
import { sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const session = sessionOn(server)

test('stream() gives the head at once and the content piece by piece', async () => {
  await using response = await session.stream('/drip?numbytes=5&duration=0.2')
  assert.equal(response.status, 200)
  let size = 0
  let pieces = 0
  for await (const piece of response) {
    size += piece.length
    pieces++
  }
  assert.equal(size, 5)
  assert.ok(pieces > 1, `${pieces} pieces`)
})

test('the content can be read whole, as bytes, text, JSON or a web stream, and only once', async () => {
  assert.equal((await (await session.stream('/bytes/100000')).bytes()).length, 100_000)
  assert.match(await (await session.stream('/robots.txt')).text(), /User-agent/)
  const json = await session.stream('/post', { method: 'POST', json: { a: 1 } })
  assert.deepEqual((await json.json<{ json: unknown }>()).json, { a: 1 })
  await assert.rejects(json.text(), { code: 'ERR_BODY', message: /only once/ })
  const web = await session.stream('/robots.txt')
  assert.match(await new globalThis.Response(web.body).text(), /User-agent/)
})

test('streams are decoded, and redirects followed', async () => {
  for (const path of ['/gzip', '/brotli', '/redirect-to?url=/deflate']) {
    const response = await session.stream(path)
    assert.equal(typeof (await response.json<{ method: string }>()).method, 'string')
  }
})

test('a stream has no size limit but the one asked for', async () => {
  const capped = await session.stream('/stream-bytes/5000', { maxResponseSize: 999 })
  await assert.rejects(capped.bytes(), { code: 'ERR_TOO_LARGE' })
  const own = sessionOn(server)
  assert.equal((await (await own.stream('/stream-bytes/5000')).bytes()).length, 5_000)
})

test('raiseForStatus throws and leaves the content readable', async () => {
  const response = await session.stream('/status/404')
  assert.throws(() => response.raiseForStatus(), { code: 'ERR_STATUS', response })
  assert.equal(typeof (await response.text()), 'string')
  const fine = await session.stream('/ip')
  assert.equal(fine.raiseForStatus(), fine)
  await fine.close()
})

test('a connection that breaks in the middle rejects the reader, after what had arrived', async () => {
  await using broken = await brokenServer('truncate')
  const response = await session.stream(broken.url)
  let text = ''
  const reading = (async () => {
    for await (const piece of response) text += Buffer.from(piece).toString()
  })()
  await assert.rejects(reading, { code: 'ERR_TRUNCATED' })
  assert.equal(text, 'short')
})

test('the total time limit holds until the content was read', async () => {
  await using broken = await brokenServer('stallBody')
  const response = await session.stream(broken.url, { timeout: '100ms' })
  await assert.rejects(response.text(), { code: 'ERR_TIMEOUT_TOTAL' })
  const quick = await session.stream('/ip', { timeout: '10s' })
  assert.match(await quick.text(), /origin/)
})

test('a slow reader slows the server: memory stays flat', async () => {
  let written = 0
  const fast = createServer((_, response) => {
    const chunk = Buffer.alloc(65_536)
    const write = (): void => {
      while (written < 64 * 1_048_576) {
        written += chunk.length
        if (!response.write(chunk)) {
          response.once('drain', write)
          return
        }
      }
      response.end()
    }
    write()
  })
  await once(fast.listen(0, '127.0.0.1'), 'listening')
  const { port } = fast.address() as AddressInfo
  const response = await session.stream(`http://127.0.0.1:${port}/`)
  const reader = response[Symbol.asyncIterator]()
  await reader.next()
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate)
  assert.ok(written < 32 * 1_048_576, `the server got rid of ${written} bytes though nobody read`)
  await reader.return?.()
  fast.closeAllConnections()
  fast.close()
})

test('leaving the loop, closing, or dropping an unread stream frees its connection', async () => {
  await using broken = await brokenServer('dripBody', { pause: 1 })
  await using one = new Session({ concurrency: 1 })
  for await (const _ of await one.stream(broken.url)) break
  await (await one.stream(broken.url)).close()
  {
    await using scoped = await one.stream(broken.url)
    assert.equal(scoped.status, 200)
  }
  await drop(one, broken.url)
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const next = one.stream(broken.url, { timeout: '20s' })
  const collecting = setInterval(gc, 1)
  await (await next).close()
  clearInterval(collecting)
})

/** In a function of its own, so that nothing on the stack holds the response. */
async function drop(one: Session, url: string): Promise<void> {
  assert.equal((await one.stream(url)).status, 200)
}

test('what makes no sense for a stream is refused', async () => {
  for (const name of ['callbacks', 'returnCallbacks', 'raiseErrors']) {
    await assert.rejects(session.stream('/ip', { [name]: undefined }), {
      name: 'OptionError',
      message: new RegExp(name),
    })
  }
})
