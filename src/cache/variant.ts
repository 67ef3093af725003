import { hash } from 'node:crypto'
import type { CacheEntry } from '../backends/contract.ts'
import { fieldValues } from '../core/field-list.ts'
import type { Request } from '../core/request.ts'
import { factsOf } from './freshness.ts'

/**
 * Preferences (RFC 9110, 12.5): their values have no case, and neither blanks nor the order of their members a
 * meaning, for what is preferred is said by weights. RFC 9111, 4.1 allows to normalise what means the same.
 */
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
  // a comma inside quotes is part of a text, where blanks count
  if (value.includes('"')) return value.trim()
  if (!preferences.has(name)) return value.trim().replaceAll(/[ \t]*,[ \t]*/g, ',')
  const members = value
    .replaceAll(/[ \t]+/g, '')
    .toLowerCase()
    .split(',')
  return members
    .filter((member) => member !== '')
    .toSorted()
    .join(',')
}

/** Whether the entry was selected by a request like this one. */
export function matchesVariant(entry: CacheEntry, request: Request): boolean {
  return entry.variant === variantOf(request, entry.varyNames)
}

/**
 * Of the entries under a request’s key the one that answers it; undefined when none does. Of several it is the one
 * that was sent last (RFC 9111, 4), but rather one with Vary than one without, which may just have
 * forgotten it (4.1).
 * @param entries most recently stored first
 */
export function selectEntry(entries: readonly CacheEntry[], request: Request): CacheEntry | undefined {
  let selected: CacheEntry | undefined
  for (const entry of entries) {
    if (matchesVariant(entry, request) && (selected === undefined || isBetter(entry, selected)))
      selected = entry
  }
  return selected
}

function isBetter(entry: CacheEntry, other: CacheEntry): boolean {
  const varies = entry.varyNames.length > 0
  if (varies !== other.varyNames.length > 0) return varies
  return factsOf(entry).sentAt > factsOf(other).sentAt
}
