import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Backend, CacheEntry } from '../../src/backends/contract.ts'
import { RedisBackend } from '../../src/backends/redis/redis-backend.ts'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import { Random } from '../../src/testing/random.ts'

/** Where a cache is: an SQLite file, or a Redis server. */
export type CachePlace = { readonly db: string } | { readonly url: string }

/** Room for a good part of what a writer writes, so that it evicts, too. */
const maxSize = 8_000_000

export function openPlace(place: CachePlace): Backend {
  return 'db' in place ? new SqliteBackend({ ...place, maxSize }) : new RedisBackend({ ...place, maxSize })
}

/** An entry that tells whether it is what was stored: its URL says what its content must be. */
export function tellingEntry(random: Random, seed: number): CacheEntry {
  const length = random.integer(0, random.integer(0, 9) === 0 ? 700_000 : 20_000)
  const now = Date.now() * 1_000
  return {
    key: `Kill:${random.integer(1, 20)}`,
    variant: String(random.integer(1, 2)),
    method: 'GET',
    url: `http://127.0.0.1/${seed}/${length}`,
    status: 200,
    statusText: 'OK',
    headers: ['Content-Length', String(length)],
    varyNames: [],
    httpVersion: '1.1',
    requestedAt: now,
    receivedAt: now,
    expiresAt: now + 3_600_000_000,
    ttl: undefined,
    body: contentOf(seed, length),
  }
}

function contentOf(seed: number, length: number): Uint8Array {
  return new Uint8Array(Buffer.alloc(length, `${seed} `))
}

/**
 * Lets two processes write at a time, and kills them at random moments. What is in the store then must be what was
 * stored, all of it; and it must take what comes next.
 * @returns how many entries were looked at
 */
export async function killWriters(place: CachePlace, kills: number, seed: number): Promise<number> {
  const random = new Random(seed)
  const corrupt: unknown[] = []
  const listen = (event: unknown): void => void corrupt.push(event)
  subscribe('http-sessions:cache:corrupt', listen)
  let seen = 0
  let other = await startWriter(place, -1)
  try {
    for (let kill = 0; kill < kills; kill++) {
      const next = await startWriter(place, kill)
      await delay(random.integer(0, 60))
      other.kill('SIGKILL')
      await once(other, 'exit')
      other = next
      seen += await checkAll(place)
    }
  } finally {
    other.kill('SIGKILL')
    unsubscribe('http-sessions:cache:corrupt', listen)
  }
  assert.deepEqual(corrupt, [])
  return seen
}

/** Looks at all entries, and stores another. @returns how many there were */
export async function checkAll(place: CachePlace): Promise<number> {
  await using backend = openPlace(place)
  let seen = 0
  for await (const { key, url, body } of backend.cache.entries('Kill:')) {
    const [seed, length] = url.split('/').slice(-2).map(Number) as [number, number]
    assert.ok(Buffer.from(contentOf(seed, length)).equals(body), `${key} is not what was stored`)
    seen++
  }
  const entry = tellingEntry(new Random(seen), seen)
  // small and quick: others write meanwhile, and push out what they have no room for
  await backend.cache.put({ ...entry, key: 'Kill:check', body: new Uint8Array(10) })
  assert.equal((await backend.cache.match('Kill:check')).length, 1)
  await backend.cache.delete('Kill:check')
  return seen
}

/** Resolves when it writes. */
export async function startWriter(place: CachePlace, number: number): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'cache-killing-writer.ts')
  const child = spawn(process.execPath, [program, JSON.stringify(place), String(number)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit').then(() => assert.fail('a writer has ended by itself'))
  await Promise.race([once(child.stdout, 'data'), ended])
  ended.catch(() => undefined) // now it is to be killed
  return child
}
