import { type Parameters, parseParameters } from './parameters.ts'

/** What Content-Disposition says (RFC 6266). */
export interface ContentDisposition {
  /** `attachment`, `inline`, …, lower case. */
  readonly type: string
  /** The suggested name without any folder, so that it cannot point elsewhere; undefined when none is given. */
  readonly filename: string | undefined
  readonly parameters: Parameters
}

const typePattern = /^[ \t]*([!#$%&'*+\-.^_`|~\w]+)[ \t]*/

/** Reads a Content-Disposition value; undefined when it is none. `filename*` beats `filename` (RFC 6266, 4.3). */
export function parseContentDisposition(value: string | undefined): ContentDisposition | undefined {
  const match = value === undefined ? null : typePattern.exec(value)
  if (match === null) return undefined
  const { parameters } = parseParameters(value as string, match[0].length)
  const name = decodeExtended(parameters.get('filename*')) ?? parameters.get('filename')
  return { type: (match[1] as string).toLowerCase(), filename: withoutFolder(name), parameters }
}

/** `UTF-8''na%C3%AFve` (RFC 8187, 3.2); undefined when it is malformed. */
function decodeExtended(value: string | undefined): string | undefined {
  const match = value === undefined ? null : /^(utf-8|iso-8859-1)'[^']*'((?:%[\da-f]{2}|[^%])*)$/i.exec(value)
  if (match === null) return undefined
  const bytes = Buffer.from(
    (match[2] as string).replaceAll(/%([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  )
  return bytes.toString((match[1] as string).toLowerCase() === 'utf-8' ? 'utf8' : 'latin1')
}

function withoutFolder(name: string | undefined): string | undefined {
  const last = name?.split(/[/\\]/).at(-1)
  return last === '' || last === '.' || last === '..' ? undefined : last
}
