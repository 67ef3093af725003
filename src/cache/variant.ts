import { hash } from 'node:crypto'
import type { CacheEntry } from '../backends/contract.ts'
import { fieldValues } from '../core/field-list.ts'
import type { Request } from '../core/request.ts'

/** Preferences: their values have no case, and blanks in them no meaning (RFC 9110, 12.5). */
const preferences = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language'])

/**
 * The secondary key (RFC 9111, 4.1): a hash of the request’s values of the fields that Vary names,
 * since they may hold secrets; '' without names. A field that is absent differs from one that is empty.
 * @param names lower case, sorted
 */
export function variantOf(request: Request, names: readonly string[]): string {
  if (names.length === 0) return ''
  return hash(
    'sha256',
    names.map((name) => JSON.stringify([name, normalValue(request, name)])).join('\n'),
    'base64url',
  )
}

/** Field lines joined, blanks around commas left out, preferences in lower case; null when absent. */
function normalValue(request: Request, name: string): string | null {
  const lines = fieldValues(request.headers, name)
  if (lines.length === 0) return null
  const value = lines.join(',')
  if (preferences.has(name)) return value.replaceAll(/[ \t]+/g, '').toLowerCase()
  // a comma inside quotes is part of a text, where blanks count
  return value.includes('"') ? value.trim() : value.trim().replaceAll(/[ \t]*,[ \t]*/g, ',')
}

/** Whether the entry was selected by a request like this one. */
export function matchesVariant(entry: CacheEntry, request: Request): boolean {
  return entry.variant === variantOf(request, entry.varyNames)
}

/** Of the entries under a request’s key, the first (so the latest) that answers it; undefined when none does. */
export function selectEntry(entries: readonly CacheEntry[], request: Request): CacheEntry | undefined {
  return entries.find((entry) => matchesVariant(entry, request))
}
