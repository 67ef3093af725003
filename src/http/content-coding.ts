/** A content coding that can be undone. */
export type ContentCoding = 'gzip' | 'deflate' | 'br' | 'zstd'

const codings: ReadonlyMap<string, ContentCoding | undefined> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'], // RFC 9110, 8.4.1.3
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['zstd', 'zstd'],
  ['identity', undefined],
])

/**
 * Reads Content-Encoding values (RFC 9110, 8.4): the codings in the order in which they were applied,
 * without `identity`. Never throws.
 * @returns undefined when one of them is not known, so that none can be undone
 */
export function parseContentCodings(values: readonly string[]): ContentCoding[] | undefined {
  const found: ContentCoding[] = []
  for (const name of values.join(',').split(',')) {
    const wanted = name.trim().toLowerCase()
    if (wanted === '') continue
    if (!codings.has(wanted)) return undefined
    const coding = codings.get(wanted)
    if (coding !== undefined) found.push(coding)
  }
  return found
}
