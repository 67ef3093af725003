import { escape, unescape } from './key-names.ts'

/** What a Redis key of the cache holds. */
export type Part = 'entries' | 'variants' | 'asked' | 'lease' | `pieces:${string}`

/**
 * The Redis keys of a primary cache key `<prefix>:<name>`. The name is their hash tag, so all are in one slot.
 */
export function keyOf(key: string, part: Part): string {
  const colon = key.indexOf(':')
  const prefix = colon === -1 ? '' : `${escape(key.slice(0, colon))}:`
  return `${prefix}{${escape(key.slice(colon + 1))}}:cache:${part}`
}

/** The Redis key of the pieces of an entry behind its first. */
export function piecesKeyOf(key: string, id: string): string {
  return keyOf(key, `pieces:${id}`)
}

/** What a Redis key holds, and of which primary key; undefined for those of others. */
export function readKey(redisKey: string): { key: string; part: string } | undefined {
  const [, prefix, name, part] = keyPattern.exec(redisKey) ?? []
  if (name === undefined || part === undefined) return undefined
  return { key: prefix === undefined ? unescape(name) : `${unescape(prefix)}:${unescape(name)}`, part }
}

const keyPattern = /^(?:([^:{}]+):)?\{([^{}]+)\}:cache:(entries|variants|asked|lease|pieces:[\da-f]+)$/

/** What the Redis keys of all primary keys start with that start with `prefix`; others may, too. */
export function startOf(prefix: string): string {
  const colon = prefix.indexOf(':')
  // which of them have a colon, and so a prefix, is not known
  if (colon === -1) return ''
  const name = prefix.slice(colon + 1)
  return `${escape(prefix.slice(0, colon))}:{${name === '' ? '' : escape(name)}`
}

/** The part of a primary key up to and with its first colon. */
export function prefixOf(key: string): string {
  return key.slice(0, key.indexOf(':') + 1)
}

/** The keys of what is known of the sizes under a prefix, in one slot. No name is escaped to their tag. */
export function indexKeysOf(prefix: string): string[] {
  const start = prefix === '' ? '' : `${escape(prefix.slice(0, -1))}:`
  return ['total', 'sizes', 'uses', 'expiries'].map((part) => `${start}{%cache}:${part}`)
}
