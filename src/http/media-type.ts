import { type Parameters, parseParameters } from './parameters.ts'

/** A media type such as `text/html; charset=utf-8` (RFC 9110, 8.3.1). */
export interface MediaType {
  /** Type and subtype, lower case: `text/html`. */
  readonly essence: string
  readonly parameters: Parameters
}

const essencePattern = /^[ \t]*([!#$%&'*+\-.^_`|~\w]+\/[!#$%&'*+\-.^_`|~\w]+)[ \t]*/

/** Reads a Content-Type value; undefined when it is none. */
export function parseMediaType(value: string | undefined): MediaType | undefined {
  const match = value === undefined ? null : essencePattern.exec(value)
  if (match === null) return undefined
  const { parameters } = parseParameters(value as string, match[0].length)
  return { essence: (match[1] as string).toLowerCase(), parameters }
}
