import type { CacheEntry } from '../../src/backends/contract.ts'
import { type CacheOptions, parseCacheOptions } from '../../src/cache/options.ts'
import type { CacheSettings } from '../../src/cache/settings.ts'

/** The calendar at which the entries of these tests arrive. */
export const wallStart = Date.UTC(2026, 0, 1) * 1_000
export const second = 1_000_000
export const hour = 3_600 * second

export function settings(options: CacheOptions = {}): CacheSettings {
  return parseCacheOptions(options, 'cache')
}

/** An HTTP date so many seconds after the entries arrive. */
export function date(seconds: number): string {
  return new Date(wallStart / 1_000 + seconds * 1_000).toUTCString()
}

export function entry(sketch: Partial<CacheEntry> = {}): CacheEntry {
  return {
    key: 'Session:1',
    variant: '',
    method: 'GET',
    url: 'http://127.0.0.1/a',
    status: 200,
    statusText: 'OK',
    headers: [],
    varyNames: [],
    httpVersion: '1.1',
    requestedAt: wallStart,
    receivedAt: wallStart,
    expiresAt: wallStart + hour,
    ttl: undefined,
    body: new Uint8Array(0),
    ...sketch,
  }
}
