/** Bytes `first` to `last`, both included, counted from 0. */
export type Interval = readonly [first: number, last: number]

/** One byte range as it is asked for (RFC 9110, 14.1.2). */
export interface ByteRange {
  /** undefined: the last `last` bytes. */
  readonly first: number | undefined
  /** undefined: to the end. */
  readonly last: number | undefined
}

/**
 * Reads Range (RFC 9110, 14.2).
 * @param lines the values of all field lines
 * @returns undefined when it asks for nothing valid in bytes: a server ignores it then
 */
export function parseRange(lines: readonly string[]): readonly ByteRange[] | undefined {
  const set = lines.length === 1 ? /^bytes=(.*)$/is.exec(lines[0] as string)?.[1] : undefined
  if (set === undefined) return undefined
  const ranges: ByteRange[] = []
  for (const member of set.split(',').map((text) => text.trim())) {
    if (member === '') continue
    const range = parseMember(member)
    if (range === undefined) return undefined
    ranges.push(range)
  }
  return ranges.length === 0 ? undefined : ranges
}

function parseMember(member: string): ByteRange | undefined {
  const [, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(member) ?? []
  const range = { first: position(first), last: position(last) }
  if (range.first === undefined && range.last === undefined) return undefined
  const reversed = range.first !== undefined && range.last !== undefined && range.last < range.first
  return reversed ? undefined : range
}

function position(digits: string): number | undefined {
  return digits === '' ? undefined : Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
}

/** The bytes that a range means in so many; undefined when none (RFC 9110, 14.1.2: unsatisfiable). */
export function resolveRange({ first, last }: ByteRange, length: number): Interval | undefined {
  const begin = first ?? Math.max(length - (last ?? 0), 0)
  const end = first === undefined ? length - 1 : Math.min(last ?? length - 1, length - 1)
  return begin <= end ? [begin, end] : undefined
}

/** What a 206 brings: which bytes, of how many. */
export interface ContentRange {
  readonly interval: Interval
  /** undefined when the sender did not know. */
  readonly length: number | undefined
}

/** Reads Content-Range; undefined when it is invalid, or tells of no content (RFC 9110, 14.4). */
export function parseContentRange(text: string): ContentRange | undefined {
  const parts = /^bytes +(\d+)-(\d+)\/(\d+|\*)$/i.exec(text.trim())
  if (parts === null) return undefined
  const [first, last] = [Number(parts[1]), Number(parts[2])]
  const length = parts[3] === '*' ? undefined : Number(parts[3])
  const valid = first <= last && last < (length ?? Number.MAX_SAFE_INTEGER)
  return valid ? { interval: [first, last], length } : undefined
}

/** Writes Content-Range. */
export function contentRange([first, last]: Interval, length: number | undefined): string {
  return `bytes ${first}-${last}/${length ?? '*'}`
}
