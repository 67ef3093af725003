/** An entity tag (RFC 9110, 8.8.3). */
export interface EntityTag {
  /** Whether it only promises equivalence, not the same bytes. */
  readonly weak: boolean
  /** What is between the quotes. */
  readonly opaque: string
}

/** Reads an ETag; undefined when it is none. `W` is case-sensitive, and no quote is inside (RFC 9110, 8.8.3). */
export function parseEntityTag(text: string): EntityTag | undefined {
  const match = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/.exec(text.trim())
  return match === null ? undefined : { weak: match[1] !== undefined, opaque: match[2] as string }
}

/** Same bytes: both strong, and equal (RFC 9110, 8.8.3.2). */
export function strongMatch(a: EntityTag, b: EntityTag): boolean {
  return !a.weak && !b.weak && a.opaque === b.opaque
}

/** As good as the same: equal, weak or not (RFC 9110, 8.8.3.2). */
export function weakMatch(a: EntityTag, b: EntityTag): boolean {
  return a.opaque === b.opaque
}

/**
 * Reads If-None-Match (RFC 9110, 13.1.2). Members that are no entity tag are left out.
 * @param lines the values of all field lines
 * @returns `'*'` for any representation at all
 */
export function parseEntityTags(lines: readonly string[]): readonly EntityTag[] | '*' {
  const text = lines.join(',').trim()
  if (text === '*') return '*'
  // a comma may be inside a tag
  const members = text.match(/[ \t]*(?:W\/)?"[^"]*"[^,]*|[^,]+/g) ?? []
  return members.map(parseEntityTag).filter((tag) => tag !== undefined)
}
