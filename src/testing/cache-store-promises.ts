import assert from 'node:assert/strict'
import type { CacheEntry } from '../backends/contract.ts'
import { type CacheSubject, hour, plain, second } from './cache-store-subject.ts'
import { Random } from './random.ts'

/** Tests by what they say. */
export type CachePromises = Readonly<Record<string, (subject: CacheSubject) => Promise<void>>>

/** Prefixes that are easily taken for one another, or for a pattern. */
const prefixes = ['a', 'ab', 'A', 'ä', 'a%3A', '%', '_', '*', '?', '[ab]', '{a}', 'a}', '\\', '']

/** What holds for every store. */
export const cachePromises: CachePromises = {
  async 'what is put is matched, with all that was said of it'(subject) {
    const { store } = subject
    const one = subject.entry({
      method: 'HEAD',
      url: 'http://127.0.0.1/ä?b=%C3%A4',
      status: 203,
      statusText: 'Fein',
      varyNames: ['accept', 'accept-language'],
      httpVersion: '2',
      ttl: 5 * second,
    })
    await store.put(one)
    assert.deepEqual((await store.match(one.key)).map(plain), [plain(one)])
    assert.deepEqual(await store.match('Test:2'), [])
  },

  async 'what policies may add to an entry is kept'(subject) {
    const added: Partial<CacheEntry> = {
      parts: { intervals: [[0, 4]], length: 10, range: 'bytes=0-4' },
      outdated: true,
    }
    const entry = await subject.put(added)
    assert.deepEqual((await subject.store.match(entry.key)).map(plain), [plain(entry)])
  },

  async 'fields come back as they came: in order, repeated, in any case, with any octets'(subject) {
    const octets = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
    const headers = [
      'Set-Cookie',
      'a=1',
      'set-cookie',
      'b=2',
      'SET-COOKIE',
      'c=3, d=4',
      'X',
      '',
      'X-Octets',
      octets,
    ]
    await subject.put({ headers, statusText: octets })
    const [entry] = await subject.store.match('Test:1')
    assert.deepEqual([entry?.headers, entry?.statusText], [headers, octets])
  },

  async 'content comes back byte for byte: none, one byte, any bytes'(subject) {
    const random = new Random(1)
    for (const length of [0, 1, 2, 255, 4_096, 65_536, 261_120, 262_144, 262_145, 600_000]) {
      const body = Uint8Array.from({ length }, () => random.integer(0, 255))
      await subject.put({ body })
      const [entry] = await subject.store.match('Test:1')
      assert.ok(Buffer.from(body).equals(entry?.body as Uint8Array), `${length} bytes`)
      assert.equal(Object.getPrototypeOf(entry?.body), Uint8Array.prototype)
    }
  },

  async 'a view of a larger buffer is kept as it was'(subject) {
    const large = new Uint8Array(65_536).fill(1)
    await subject.put({ body: large.subarray(10, 20) })
    large.fill(2)
    const [entry] = await subject.store.match('Test:1')
    assert.deepEqual(entry?.body, new Uint8Array(10).fill(1))
  },

  async 'variants are matched together, the one that was stored last before the others'(subject) {
    for (const variant of ['a', 'b', '', '["de","\u0000ä\ud800"]']) await subject.put({ variant })
    assert.deepEqual(await subject.variants(), ['["de","\u0000ä\ud800"]', '', 'b', 'a'])
    await subject.put({ variant: 'b', status: 404 })
    assert.deepEqual(await subject.variants(), ['b', '["de","\u0000ä\ud800"]', '', 'a'])
    assert.equal((await subject.store.size('')).entries, 4)
  },

  async 'variants of one key are bounded: the one stored first goes'(subject) {
    for (let variant = 0; variant < 70; variant++) await subject.put({ variant: String(variant) })
    const kept = Array.from({ length: 64 }, (_, index) => String(69 - index))
    assert.deepEqual(await subject.variants(), kept)
  },

  async 'an entry takes the place of the one with its key and variant, in one step'(subject) {
    // of several pieces, one and several: each has its own number in every byte
    const bodies = [600_000, 10, 900_000, 300_000].map((length, index) => new Uint8Array(length).fill(index))
    await subject.put({ body: bodies[0] as Uint8Array })
    const puts = bodies.map((body) => subject.put({ body }))
    for (let look = 0; look < 20; look++) {
      const entries = await subject.store.match('Test:1')
      assert.equal(entries.length, 1)
      const { body } = entries[0] as CacheEntry
      assert.ok(body.every((byte) => byte === body[0]) && body.length === bodies[body[0] as number]?.length)
    }
    await Promise.all(puts)
    assert.deepEqual(
      (await subject.store.match('Test:1')).map(({ body }) => body[0]),
      [3],
    )
    assert.equal((await subject.store.size('')).entries, 1)
  },

  async 'a key that is deleted while its entry is written has none'(subject) {
    const put = subject.put({ body: new Uint8Array(3_000_000) })
    await subject.store.delete('Test:1')
    await put
    assert.deepEqual(await subject.store.match('Test:1'), [])
    assert.deepEqual(await subject.store.size(''), { entries: 0, bytes: 0 })
  },

  async 'delete drops all variants, and says whether there were any'(subject) {
    for (const variant of ['a', 'b']) await subject.put({ variant })
    await subject.put({ key: 'Test:2', body: new Uint8Array(600_000) })
    assert.equal(await subject.store.delete('Test:1'), true)
    assert.equal(await subject.store.delete('Test:1'), false)
    assert.equal(await subject.store.delete('Test:unknown'), false)
    assert.deepEqual(await subject.keys(), ['Test:2'])
    assert.equal(await subject.store.delete('Test:2'), true)
    assert.deepEqual(await subject.store.size(''), { entries: 0, bytes: 0 })
  },

  async 'entries, size and clear keep to their prefix'(subject) {
    for (const prefix of prefixes) {
      for (const name of ['1', '2', '{x}']) await subject.put({ key: `${prefix}:${name}` })
    }
    const all = await subject.keys()
    assert.equal(all.length, prefixes.length * 3)
    for (const prefix of prefixes) {
      assert.deepEqual(await subject.keys(`${prefix}:`), [`${prefix}:1`, `${prefix}:2`, `${prefix}:{x}`])
      assert.deepEqual(await subject.keys(`${prefix}:2`), [`${prefix}:2`])
      assert.equal((await subject.store.size(`${prefix}:`)).entries, 3)
      assert.equal((await subject.store.size(`${prefix}:1`)).entries, 1)
    }
    const { bytes } = await subject.store.size('')
    await subject.store.clear('a:2')
    await subject.store.clear('*:')
    assert.deepEqual(
      await subject.keys(),
      all.filter((key) => key !== 'a:2' && !key.startsWith('*:')),
    )
    assert.ok((await subject.store.size('')).bytes < bytes)
    await subject.store.clear('')
    assert.deepEqual(await subject.keys(), [])
    assert.deepEqual(await subject.store.size(''), { entries: 0, bytes: 0 })
  },

  async 'a store may be changed while it is walked through'(subject) {
    for (let key = 0; key < 100; key++) await subject.put({ key: `Test:${key}` })
    let seen = 0
    for await (const { key } of subject.store.entries('Test:')) {
      seen++
      await subject.store.delete(key)
      await subject.put({ key: `Other:${key}` })
    }
    assert.equal(seen, 100)
    assert.equal((await subject.keys()).length, 100)
  },

  async 'an entry is there until it expires, to the microsecond, and no longer'(subject) {
    const { store, clock } = subject
    const now = clock.wallNow()
    await subject.put({ variant: 'short', expiresAt: now + 300_001 })
    await subject.put({ variant: 'long', expiresAt: now + 2 * hour, body: new Uint8Array(600_000) })
    await clock.advance(300_000)
    assert.equal((await store.match('Test:1')).length, 2)
    await clock.advance(1)
    assert.deepEqual(await subject.variants(), ['long'])
    assert.equal((await subject.keys()).length, 1)
    assert.equal((await store.size('Test:')).entries, 1)
    // stale or not is not the store’s to judge
    await clock.advance(2 * hour - 300_002)
    assert.deepEqual(await subject.variants(), ['long'])
    await clock.advance(1)
    assert.deepEqual(await store.match('Test:1'), [])
    assert.deepEqual(await store.size(''), { entries: 0, bytes: 0 })
    assert.equal(await store.delete('Test:1'), false)
    await subject.put()
    assert.deepEqual(await subject.variants(), [''])
  },
}
