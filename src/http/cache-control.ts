import type { Microseconds } from '../core/duration.ts'

/**
 * The directives of Cache-Control, names in lower case. A directive without an argument has `''`; one
 * that is repeated with different arguments has them all, joined by commas: right for lists of
 * field names, and no number at all where a number was expected, so that a contradiction is stale.
 */
export type CacheControl = ReadonlyMap<string, string>

/**
 * Among directives, the name that stands for what is no directive: its sender wanted something that is not known. No
 * directive has it.
 */
export const unreadable = ''

/** No directives. */
export const noDirectives: CacheControl = new Map()

const tokenPattern = /^[!#$%&'*+\-.^_`|~\w]+$/
/** What restricts most, and must not be missed because of a character that does not belong there. */
const restrictions = /(?<![\w-])(?:no-store|no-cache|must-revalidate|max-age)(?![\w-])/gi
const quotedPattern = /^"((?:[^"\\]|\\.)*)"$/s

/**
 * Reads Cache-Control (RFC 9111, 5.2). A directive with a malformed argument stays, since it says that its sender wanted
 * something; members that are no directive are {@link unreadable} together. In both, what forbids reuse is heard.
 * @param lines the values of all field lines, in order
 */
export function parseCacheControl(lines: readonly string[]): CacheControl {
  if (lines.length === 0) return noDirectives
  const directives = new Map<string, string>()
  for (const line of lines) {
    for (const member of listMembers(line)) addDirective(directives, member.trim())
  }
  return directives
}

/**
 * What is between the commas that no quoted string holds (RFC 9110, 5.6.1). A quote that is never closed
 * is a character like any other, so that it cannot swallow the directives behind it.
 */
function* listMembers(line: string): Generator<string, void, undefined> {
  let start = 0
  let lastQuote = line.lastIndexOf('"')
  for (let i = 0; i < line.length; i++) {
    if (line[i] === ',') {
      yield line.slice(start, i)
      start = i + 1
    } else if (line[i] === '"' && i < lastQuote) {
      const end = closingQuote(line, i)
      if (end === -1) lastQuote = -1
      else i = end
    }
  }
  yield line.slice(start)
}

/** Where the quoted string that opens at `open` ends; -1 when it does not. */
function closingQuote(line: string, open: number): number {
  for (let i = open + 1; i < line.length; i++) {
    if (line[i] === '\\') i++
    else if (line[i] === '"') return i
  }
  return -1
}

function addDirective(directives: Map<string, string>, member: string): void {
  const equals = member.indexOf('=')
  const written = equals === -1 ? member : member.slice(0, equals)
  const name = written.trimEnd().toLowerCase()
  if (!tokenPattern.test(name)) {
    if (member === '') return
    directives.set(unreadable, '')
    return hearRestrictions(directives, member)
  }
  // RFC 9110, 5.6.3: no blank around the "=". One keeps a number from being one, but not a directive from being heard
  const blank = written.length > name.length ? ' ' : ''
  const given = member.slice(equals + 1)
  const argument = equals === -1 ? '' : blank + unquoted(given)
  if (equals !== -1 && !tokenPattern.test(given) && !quotedPattern.test(given)) {
    hearRestrictions(directives, given)
  }
  const earlier = directives.get(name)
  directives.set(name, earlier === undefined || earlier === argument ? argument : `${earlier},${argument}`)
}

/** Of a lifetime somewhere in what cannot be read only its being there is known. */
function hearRestrictions(directives: Map<string, string>, text: string): void {
  for (const [found] of text.matchAll(restrictions)) {
    const name = found.toLowerCase()
    directives.set(name === 'max-age' ? unreadable : name, '')
  }
}

/** The argument as a token: both forms mean the same (RFC 9111, 5.2). */
function unquoted(argument: string): string {
  return quotedPattern.exec(argument)?.[1]?.replaceAll(/\\(.)/gs, '$1') ?? argument
}

/**
 * The field names that an argument lists (RFC 9111, 5.2.2.4 and 5.2.2.7), in lower case.
 * @returns undefined when it lists none, or not only names: then the directive speaks of the whole response
 */
export function parseFieldNames(argument: string): readonly string[] | undefined {
  const names = argument.split(',').map((name) => name.trim().toLowerCase())
  return names.every((name) => tokenPattern.test(name)) ? names : undefined
}

/** The largest number of seconds that is told apart: 2^31 (RFC 9111, 1.2.2). */
const mostSeconds = 2_147_483_648

/**
 * Reads delta-seconds as microseconds; larger numbers than 2^31 are 2^31 (RFC 9111, 1.2.2).
 * @returns undefined when it is no non-negative whole number
 */
export function parseDeltaSeconds(text: string): Microseconds | undefined {
  if (!/^\d+$/.test(text)) return undefined
  return Math.min(Number(text), mostSeconds) * 1_000_000
}

/**
 * Reads Age: the first member counts, and garbage is as good as no Age (RFC 9111, 5.1).
 * @param lines the values of all field lines, in order
 */
export function parseAge(lines: readonly string[]): Microseconds | undefined {
  const first = lines[0]?.split(',', 1)[0]
  return first === undefined ? undefined : parseDeltaSeconds(first.trim())
}
