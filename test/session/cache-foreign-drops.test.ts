import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Session } from '../../src/index.ts'
import { sharedPlaces } from '../support/cache-places.ts'
import { heldOrigin } from '../support/cache-processes.ts'

const fresh = { 'Cache-Control': 'max-age=600' }

/** A POST, until the store has heard of it, too. */
async function change(other: Session, url: string): Promise<void> {
  await other.post(url)
  assert.equal(await other.cache.has(url), false)
}

/** What another process does that makes void what is under way here. */
const drops: Readonly<Record<string, (other: Session, url: string) => Promise<unknown>>> = {
  'an unsafe request': change,
  'session.cache.delete': ({ cache }, url) => cache.delete(url),
  'session.cache.clear': ({ cache }) => cache.clear(),
}

for (const [name, place] of Object.entries(sharedPlaces)) {
  for (const [what, drop] of Object.entries(drops)) {
    test(`${name}: who asks after ${what} in another process does not join what was asked for before`, async (t) => {
      const { url, held, until } = await heldOrigin(t, (response, n) => {
        if (response.req.method === 'POST') response.end()
        else if (n === 1) response.writeHead(200, fresh).write('old')
        else response.writeHead(200, fresh).end('new')
      })
      const cache = { ...place, key: `Foreign ${what}` }
      await using here = new Session({ cache })
      await using there = new Session({ cache })
      const streaming = here.fetch(url)
      await until(1)
      const reading = (await streaming).text()
      const joined = await here.fetch(url)
      assert.equal(held.length, 1, 'before, it is joined')
      await drop(there, url)
      const [one, other] = await Promise.all([here.get(url), here.fetch(url).then((all) => all.text())])
      assert.deepEqual([one.text(), other], ['new', 'new'])
      assert.equal((await there.get(url)).text(), 'new')
      held[0]?.end('!')
      assert.equal(await joined.text(), 'old!')
      assert.equal(await reading, 'old!')
      assert.equal((await here.get(url)).text(), 'new')
    })
  }

  test(`${name}: what is still being written here is not seen after another process has dropped it`, async (t) => {
    const content = 'x'.repeat(8_000_000)
    let version = 1
    const { url } = await heldOrigin(t, (response) => {
      if (response.req.method === 'POST') version += 1
      response.writeHead(200, { ...fresh, 'X-Version': String(version) }).end(content)
    })
    const cache = { ...place, key: 'Foreign writes' }
    await using here = new Session({ cache })
    await using there = new Session({ cache })
    for (let round = 0; round < 5; round++) {
      const first = await here.get(url)
      assert.equal(first.headers.get('x-version'), String(version))
      assert.equal((await here.get(url)).fromCache, true, 'what it has just stored it finds')
      await change(there, url)
      for (let look = 0; look < 3; look++) {
        assert.equal((await here.get(url)).headers.get('x-version'), String(version))
      }
      await change(there, url)
      assert.equal((await here.get(url)).headers.get('x-version'), String(version))
    }
  })
}
