import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { type CacheOptions, Session } from '../../src/index.ts'
import { sharedPlaces } from '../support/cache-places.ts'
import { heldOrigin } from '../support/cache-processes.ts'

const places: Readonly<Record<string, CacheOptions>> = { memory: { backend: 'memory' }, ...sharedPlaces }

const content = 'content '.repeat(20_000)

/** Answers that come with the content of a stored response, although they are asked for as a stream. */
const standIns: Readonly<Record<string, readonly [first: Record<string, string>, status: number]>> = {
  'a 304': [{ 'Cache-Control': 'max-age=0', ETag: '"1"' }, 304],
  'stale-if-error': [{ 'Cache-Control': 'max-age=0, stale-if-error=600' }, 503],
}

const streamed = async ({ fetch }: Session, url: string): Promise<string> => (await fetch(url)).text()

/** Resolves when whatever the session has asked before has got as far as it can. */
async function settled(session: Session, url: string): Promise<void> {
  await session.get(`${url}?other`)
}

function answerOther(response: ServerResponse): boolean {
  const isOther = response.req.url?.endsWith('?other') === true
  if (isOther) response.writeHead(200, { 'Cache-Control': 'no-store' }).end()
  return isOther
}

for (const [name, place] of Object.entries(places)) {
  for (const [what, [first, status]] of Object.entries(standIns)) {
    test(`${name}: a get that joins a stream has all of the content when ${what} answers`, async (t) => {
      const held: ServerResponse[] = []
      let arrivals = 0
      const { url, until } = await heldOrigin(t, (response) => {
        if (answerOther(response)) return
        arrivals += 1
        if (arrivals === 1) response.writeHead(200, first).end(content)
        else held.push(response)
      })
      await using session = new Session({ retry: false, cache: { ...place, key: `Follow ${what}` } })
      assert.equal((await session.get(url)).text(), content)
      const stream = streamed(session, url)
      await until(2)
      const [one, other] = [session.get(url), streamed(session, url)]
      await settled(session, url)
      for (const response of held) response.writeHead(status).end()
      const response = await one
      assert.deepEqual([response.status, response.cacheStatus?.collapsed], [200, true])
      assert.ok(response.text() === content, `${response.bytes().byteLength} bytes`)
      assert.ok((await stream) === content && (await other) === content)
      assert.equal(arrivals, 2)
    })
  }
}

for (const [name, place] of Object.entries(places)) {
  test(`${name}: a get that joins a stream has its own retries when the content is cut off`, async (t) => {
    const held: ServerResponse[] = []
    const { url, until } = await heldOrigin(t, (response) => {
      if (answerOther(response)) return
      held.push(response)
      response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': '10' })
      if (held.length === 1) response.write('01234')
      else if (held.length === 2) response.write('01234', () => response.destroy())
      else response.end('0123456789')
    })
    const retry = { limit: 3, delay: '1ms' } as const
    await using session = new Session({ retry, cache: { ...place, key: 'Cut off' } })
    const stream = await session.fetch(url)
    await until(1)
    const one = session.get(url)
    await settled(session, url)
    assert.equal(held.length, 1)
    held[0]?.destroy()
    assert.equal((await one).text(), '0123456789')
    await assert.rejects(stream.text())
    assert.equal(held.length, 3)
  })
}

for (const [name, place] of Object.entries(sharedPlaces)) {
  test(`${name}: a get that joins a stream has all of the content that another process stores`, async (t) => {
    const held: ServerResponse[] = []
    const { url, until } = await heldOrigin(t, (response) => {
      if (!answerOther(response)) held.push(response)
    })
    const cache = { ...place, key: 'Follow another' }
    await using asking = new Session({ cache })
    await using waiting = new Session({ cache })
    const asked = asking.get(url)
    await until(1)
    const stream = streamed(waiting, url)
    await settled(waiting, url)
    const one = waiting.get(url)
    await settled(waiting, url)
    held[0]?.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(content)
    assert.ok((await one).text() === content, `${(await one).bytes().byteLength} bytes`)
    assert.ok((await stream) === content && (await asked).text() === content)
    assert.equal(held.length, 1)
  })
}
