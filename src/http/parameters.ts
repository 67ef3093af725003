/** Parameters of a field value, names in lower case; the first of a name counts. */
export type Parameters = ReadonlyMap<string, string>

const parameterPattern =
  /;[ \t]*(?:([!#$%&'*+\-.^_`|~\w]+)[ \t]*(?:=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^";,\s]*)))?)?[ \t]*/gsy

/**
 * Reads `;name=value` pairs (RFC 9110, 5.6.6) from `start` on.
 * @returns the parameters, and where they end
 */
export function parseParameters(text: string, start: number): { parameters: Parameters; end: number } {
  const parameters = new Map<string, string>()
  let end = start
  parameterPattern.lastIndex = start
  for (let match = parameterPattern.exec(text); match !== null; match = parameterPattern.exec(text)) {
    end = parameterPattern.lastIndex
    const name = match[1]?.toLowerCase()
    if (name === undefined || parameters.has(name)) continue
    const quoted = match[2]
    parameters.set(name, quoted === undefined ? (match[3] ?? '') : quoted.replaceAll(/\\(.)/gs, '$1'))
  }
  return { parameters, end }
}
