import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import { factsOf } from '../../src/cache/freshness.ts'
import { Random } from '../../src/testing/index.ts'
import { entry, hour } from '../cache/support.ts'
import { bytesInUse } from './memory-heap.ts'

/** A string of its own, as from a socket. */
const fresh = (text: string): string => Buffer.from(text).toString('latin1')

/** Stores what a server may answer, and uses it. */
function fill(store: MemoryCacheStore, entries: number, lengthOf: (index: number) => number): void {
  for (let index = 0; index < entries; index++) {
    const key = `Session:${randomBytes(32).toString('hex')}`
    const length = lengthOf(index)
    const headers = [
      ...[
        'Date',
        new Date().toUTCString(),
        'Content-Type',
        'application/json',
        'Content-Length',
        String(length),
      ],
      ...['Cache-Control', 'private, max-age=3600', 'ETag', `"${index}"`, 'Connection', 'keep-alive'],
    ].map(fresh)
    const url = fresh(`http://127.0.0.1:8080/items/${index}?page=1`)
    const receivedAt = Date.now() * 1_000
    store.put(
      entry({
        key,
        url,
        headers,
        receivedAt,
        expiresAt: receivedAt + hour,
        body: new Uint8Array(length).fill(1),
      }),
    )
    for (const stored of store.match(key)) factsOf(stored)
  }
}

/** Buffers that nobody has any more are let go of some time after they were found. */
async function settledBytes(): Promise<number> {
  let least = bytesInUse()
  for (let look = 0; look < 4; look++) {
    await delay(20)
    least = Math.min(least, bytesInUse())
  }
  return least
}

const random = new Random(1)
const mixes: Readonly<Record<string, (index: number) => number>> = {
  'no content': () => 0,
  '100 bytes': () => 100,
  '2 KB': () => 2_000,
  'mixed sizes': () => Math.floor(100_000 ** random.fraction()),
}

for (const [what, lengthOf] of Object.entries(mixes)) {
  test(`the process takes no more than maxSize for responses, and most of it: ${what}`, async () => {
    const maxSize = 16_000_000
    fill(new MemoryCacheStore({ maxSize }), 1_000, lengthOf)
    const before = await settledBytes()
    const store = new MemoryCacheStore({ maxSize })
    fill(store, 20_000, lengthOf)
    const bytes = (await settledBytes()) - before
    assert.ok(bytes <= maxSize * 1.05, `${bytes} bytes`)
    assert.ok(bytes >= maxSize * 0.8, `only ${bytes} bytes`)
    const counted = store.size('').bytes
    assert.ok(counted <= maxSize && counted >= maxSize * 0.95, `${counted} bytes counted`)
  })
}
