/** One cookie as a response sets it; attributes as they were written. */
export interface SetCookie {
  readonly name: string
  readonly value: string
  readonly domain: string | undefined
  readonly path: string | undefined
  /** The date as text; `maxAge` beats it. */
  readonly expires: string | undefined
  /** Seconds from now; zero or less deletes the cookie. */
  readonly maxAge: number | undefined
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: 'strict' | 'lax' | 'none' | undefined
}

/** Reads a Set-Cookie value as RFC 6265, 5.2 does; undefined when it is to be ignored. */
export function parseSetCookie(text: string): SetCookie | undefined {
  const [pair = '', ...rest] = text.split(';')
  const equals = pair.indexOf('=')
  const name = pair.slice(0, Math.max(equals, 0)).trim()
  if (equals === -1 || name === '') return undefined
  const attributes = new Map(rest.map(parseAttribute))
  const maxAge = attributes.get('max-age') ?? ''
  const sameSite = attributes.get('samesite')?.toLowerCase()
  return {
    name,
    value: pair.slice(equals + 1).trim(),
    domain: attributes.get('domain')?.replace(/^\./, '').toLowerCase() || undefined,
    path: attributes.get('path')?.startsWith('/') ? attributes.get('path') : undefined,
    expires: attributes.get('expires') || undefined,
    maxAge: /^-?\d+$/.test(maxAge) ? Number(maxAge) : undefined,
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    sameSite: sameSite === 'strict' || sameSite === 'lax' || sameSite === 'none' ? sameSite : undefined,
  }
}

function parseAttribute(text: string): [name: string, value: string] {
  const equals = text.indexOf('=')
  if (equals === -1) return [text.trim().toLowerCase(), '']
  return [text.slice(0, equals).trim().toLowerCase(), text.slice(equals + 1).trim()]
}
