/** One challenge of a WWW-Authenticate field (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string
  /** What some schemes write instead of parameters (RFC 9110, 11.2). */
  readonly token68: string | undefined
  /** Names in lower case; the first of a name counts. */
  readonly parameters: ReadonlyMap<string, string>
}

const separatorPattern = /[ \t,]*/y
const schemePattern = /[!#$%&'*+\-.^_`|~\w]+(?=[ \t,]|$)/y
const token68Pattern = /[ \t]+([A-Za-z0-9\-._~+/]+=*)[ \t]*(?=,|$)/y
const parameterPattern =
  /([!#$%&'*+\-.^_`|~\w]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^",\s]*))[ \t]*(?=,|$)/sy
const junkPattern = /(?:[^",]|"(?:[^"\\]|\\.)*(?:"|\\?$))+/sy

/**
 * Reads WWW-Authenticate (or Proxy-Authenticate) values: several challenges may share one field, each
 * with parameters that commas separate too. What cannot be parsed is left out; it never throws.
 */
export function parseChallenges(values: readonly string[]): Challenge[] {
  return values.flatMap(parseValue)
}

/** Reads the parameters of an Authentication-Info field (RFC 7615), which has no scheme. */
export function parseAuthParameters(value: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  let position = 0
  while (position < value.length) {
    position = skip(separatorPattern, value, position)
    const end = readParameter(value, position, parameters)
    position = end === position ? skip(junkPattern, value, position) : end
  }
  return parameters
}

/** A challenge whose parameters are still being read. */
interface OpenChallenge extends Challenge {
  readonly parameters: Map<string, string>
}

function parseValue(value: string): Challenge[] {
  const challenges: OpenChallenge[] = []
  const strays = new Map<string, string>()
  let position = skip(separatorPattern, value, 0)
  while (position < value.length) {
    // A name before `=` is a parameter; any other begins the next challenge.
    let end = readParameter(value, position, challenges.at(-1)?.parameters ?? strays)
    if (end === position) end = readScheme(value, position, challenges)
    if (end === position) end = skip(junkPattern, value, position)
    position = skip(separatorPattern, value, end)
  }
  return challenges
}

/** Reads a scheme, with its token68 if it has one. Answers where that ends: at its start when there is none. */
function readScheme(value: string, start: number, challenges: OpenChallenge[]): number {
  const end = skip(schemePattern, value, start)
  if (end === start) return start
  const token68 = match(token68Pattern, value, end)
  const scheme = value.slice(start, end).toLowerCase()
  challenges.push({ scheme, token68: token68?.[1], parameters: new Map() })
  return end + (token68?.[0].length ?? 0)
}

/** Reads one `name=value` into `parameters`. Answers where it ends: at its start when there is none. */
function readParameter(value: string, start: number, parameters: Map<string, string>): number {
  const found = match(parameterPattern, value, start)
  if (found === null) return start
  const name = (found[1] as string).toLowerCase()
  const text = found[2] === undefined ? (found[3] as string) : found[2].replaceAll(/\\(.)/gs, '$1')
  if (!parameters.has(name)) parameters.set(name, text)
  return start + found[0].length
}

function match(pattern: RegExp, text: string, start: number): RegExpExecArray | null {
  pattern.lastIndex = start
  return pattern.exec(text)
}

function skip(pattern: RegExp, text: string, start: number): number {
  return start + (match(pattern, text, start)?.[0].length ?? 0)
}
