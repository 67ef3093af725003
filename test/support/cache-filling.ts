import { randomBytes } from 'node:crypto'
import type { CacheStore } from '../../src/backends/contract.ts'
import { Random } from '../../src/testing/random.ts'

const hour = 3_600_000_000

/** Contents of mixed sizes: as many between 100 bytes and 1 KB as between 1 KB and 10 KB, and so on up to `largest`. */
export function mixed(largest: number, seed = 1): () => number {
  const random = new Random(seed)
  return () => Math.floor(100 * (largest / 100) ** random.fraction())
}

/** Stores that many entries under keys such as sessions make, and uses some of them. */
export async function fillCache(store: CacheStore, entries: number, nextLength: () => number): Promise<void> {
  const random = new Random(entries)
  const keys: string[] = []
  for (let index = 0; index < entries; index++) {
    const key = `Session:${randomBytes(32).toString('hex')}`
    keys.push(key)
    const length = nextLength()
    const now = Date.now() * 1_000
    await store.put({
      key,
      variant: '',
      method: 'GET',
      url: `http://127.0.0.1:8080/items/${index}?page=1`,
      status: 200,
      statusText: 'OK',
      headers: ['Content-Type', 'application/json', 'Content-Length', String(length), 'ETag', `"${index}"`],
      varyNames: [],
      httpVersion: '1.1',
      requestedAt: now,
      receivedAt: now,
      expiresAt: now + hour,
      ttl: undefined,
      body: new Uint8Array(randomBytes(length)),
    })
    if (index % 5 === 0) await store.match(keys[random.integer(0, index)] as string)
  }
}
