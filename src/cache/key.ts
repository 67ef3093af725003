import { hash } from 'node:crypto'
import { fieldValues } from '../core/field-list.ts'
import type { Request } from '../core/request.ts'
import type { CacheMode, CacheSettings } from './settings.ts'

/** Raised when what a key or an entry means changes, so that old entries are never met again. */
const version = 1

/** What a key depends on. */
export type KeySettings = Pick<
  CacheSettings,
  'prefix' | 'partition' | 'partitionSecret' | 'ignoredParams' | 'cacheKey'
> & {
  /** A hash of the client certificate that every request of the session shows. Default: none. */
  readonly certificate?: string | undefined
}

/**
 * The primary cache key of a request (RFC 9111, 2): the prefix, and a hash of the key version, the mode,
 * whose response it is, and the target. GET and HEAD share it. Nothing in it can be read
 * back: URLs and credentials may hold secrets.
 * @param mode that of the policy for its URL
 */
export function cacheKey(request: Request, settings: KeySettings, mode: CacheMode): string {
  const target =
    settings.cacheKey === undefined
      ? `GET ${normalUrl(request.url, settings.ignoredParams)}`
      : `key ${settings.cacheKey(request)}`
  const party = partitionOf(request, settings)
  // the party is JSON, and so holds no line break that could move into the target
  const text = `${version} ${mode}\n${party}\n${target}`
  const keys = knownKeys(settings)
  let key = keys.get(text)
  if (key === undefined) {
    key = `${settings.prefix}:${hash('sha256', text)}`
    keys.set(text, key)
  }
  return key
}

/** So many keys of a session are remembered: to hash takes longer than all else of a hit in memory. */
const mostKnown = 1_000

const known = new WeakMap<KeySettings, Map<string, string>>()

function knownKeys(settings: KeySettings): Map<string, string> {
  let keys = known.get(settings)
  if (keys === undefined || keys.size === mostKnown) {
    keys = new Map()
    known.set(settings, keys)
  }
  return keys
}

/** Who may share the response, as JSON; '' is everybody without credentials. */
function partitionOf(request: Request, settings: KeySettings): string {
  const { partition, partitionSecret, certificate } = settings
  if (partition === false) return ''
  if (partition !== undefined) return JSON.stringify([partitionSecret, partition(request)])
  const { auth } = request.features
  // Digest writes another Authorization for each request; who it speaks for stays the same
  const authorization =
    auth?.kind === 'digest' ? [auth.username, auth.password] : fieldValues(request.headers, 'authorization')
  const cookies = fieldValues(request.headers, 'cookie')
  if (authorization.length === 0 && cookies.length === 0 && certificate === undefined) return ''
  return JSON.stringify([
    partitionSecret,
    authorization,
    cookies,
    ...(certificate === undefined ? [] : [certificate]),
  ])
}

/** Whether nothing in a request says whose its response is. */
export function isAnonymous(request: Request, settings: KeySettings): boolean {
  return partitionOf(request, settings) === ''
}

/**
 * The URL without its fragment and the ignored parameters; percent-encoding in the normal form (RFC 3986, 6.2.2).
 * Case of the host, dots and default ports were settled when it was parsed.
 */
export function normalUrl(url: URL, ignoredParams: ReadonlySet<string>): string {
  let { href } = url
  const fragment = href.indexOf('#')
  if (fragment !== -1) href = href.slice(0, fragment)
  if (ignoredParams.size > 0) href = withoutParams(href, ignoredParams)
  return href.includes('%') ? href.replaceAll(/%[\da-f]{2}/gi, normalOctet) : href
}

/** The other parameters stay as they are written: order and encoding may matter to the server. */
function withoutParams(href: string, ignored: ReadonlySet<string>): string {
  const question = href.indexOf('?')
  if (question === -1) return href
  const kept = href
    .slice(question + 1)
    .split('&')
    .filter((pair) => !ignored.has(nameOf(pair)))
  return kept.length === 0 ? href.slice(0, question) : `${href.slice(0, question)}?${kept.join('&')}`
}

/** The name of a parameter, decoded. A question mark in front of it, other than the one of the query, is a part of it. */
function nameOf(pair: string): string {
  return new URLSearchParams(`?${pair}`).keys().next().value ?? ''
}

/** Unreserved characters stand for themselves, other octets in capitals. */
function normalOctet(octet: string): string {
  const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : octet.toUpperCase()
}
