import { type Parameters, parseParameters } from './parameters.ts'

/** One link of a Link field (RFC 8288). */
export interface Link {
  /** Target, resolved against the response’s URL. */
  readonly url: string
  /** Relation type, lower case. */
  readonly rel: string
  readonly parameters: Parameters
}

/**
 * Reads Link field values, by relation type; the first link of a relation counts. Links without
 * a relation, and what cannot be parsed, are left out.
 * @param base what relative targets are resolved against
 */
export function parseLinks(values: readonly string[], base: string): Readonly<Record<string, Link>> {
  const links: Record<string, Link> = Object.create(null) as Record<string, Link>
  for (const value of values) {
    let position = 0
    while (position < value.length) {
      const open = value.indexOf('<', position)
      const close = value.indexOf('>', open)
      if (open === -1 || close === -1) break
      const { parameters, end } = parseParameters(value, close + 1)
      const target = URL.parse(value.slice(open + 1, close), base)
      for (const rel of (parameters.get('rel') ?? '').toLowerCase().split(/\s+/)) {
        if (target !== null && rel !== '') links[rel] ??= { url: target.href, rel, parameters }
      }
      position = Math.max(end, close + 1)
    }
  }
  return links
}
