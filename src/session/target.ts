import { describe } from '../core/duration.ts'
import { OptionError, SessionError } from '../core/errors.ts'
import { entriesOf, sentText } from './entries.ts'

/** A query parameter’s value; null and undefined leave it out, an array repeats it. */
export type ParamValue = string | number | boolean | bigint | null | undefined

/** Query parameters: added to those that the URL has. */
export type Params =
  | Readonly<Record<string, ParamValue | readonly ParamValue[]>>
  | Iterable<readonly [string, ParamValue]>

/**
 * The target URI: `url` resolved against `base` as RFC 3986, 5 has it, with `params` added.
 * @throws SessionError ERR_URL when it is no URL, or not http(s)
 */
export function targetUri(url: string | URL, base: URL | undefined, paramSets: readonly Params[]): URL {
  const target = url instanceof URL ? new URL(url) : parseUrl(url, base)
  if (target === null) throw badUrl(url, base)
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw new SessionError('ERR_URL', `${target.protocol} URLs cannot be requested; use http: or https:`)
  }
  for (const params of paramSets) addParams(target, params)
  return target
}

/** Text as a URL; null where it is none, or no text: `undefined` is not the path /undefined. */
function parseUrl(url: unknown, base: URL | undefined): URL | null {
  return typeof url === 'string' ? URL.parse(url, base?.href) : null
}

/** Reads `baseUrl`. @throws OptionError */
export function parseBaseUrl(value: unknown): URL {
  const base = typeof value === 'string' || value instanceof URL ? URL.parse(String(value)) : null
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new OptionError(`baseUrl: ${describe(value)} is not an absolute http(s) URL`)
  }
  return base
}

function badUrl(url: unknown, base: URL | undefined): SessionError {
  const given = describe(url).replace(/\/\/[^/@\s]*@/, '//')
  const hint =
    base === undefined && typeof url === 'string' && !url.includes(':')
      ? '; it is relative: set baseUrl on the session, or write it from http:// on'
      : ''
  return new SessionError('ERR_URL', `${given} is not a URL${hint}`)
}

function addParams(target: URL, params: Params): void {
  for (const [name, given] of entriesOf<ParamValue | readonly ParamValue[]>(params, 'params')) {
    const values: readonly ParamValue[] = Array.isArray(given) ? given : [given]
    for (const value of values) {
      if (value === null || value === undefined) continue
      target.searchParams.append(name, sentText(value, `params.${name}`))
    }
  }
}
