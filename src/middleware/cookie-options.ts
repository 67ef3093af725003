import { checkOptions } from '../core/check-options.ts'
import { describe } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'

/** What is used of a tough-cookie `CookieJar`: any copy of it fits, whatever package it came with. */
export interface CookieJarLike {
  readonly store: { readonly synchronous?: boolean }
  getCookieString(url: URL): Promise<string>
  getCookieStringSync(url: URL): string
  setCookie(cookie: string, url: URL, options: { ignoreError: boolean }): Promise<unknown>
  setCookieSync(cookie: string, url: URL, options: { ignoreError: boolean }): unknown
}

/** A jar that is kept in a file. */
export interface CookieFileOptions {
  /**
   * Path of a JSON file. Read when the session is made, if it is there; written soon after each change
   * and on close, readable by its owner alone. Cookies without an expiry are kept too. One session at
   * a time: of two that write the same file, the last one wins.
   */
  readonly file: string
}

/** `cookies` of a session: `true` for a jar in memory, a tough-cookie jar of your own, or a file. */
export type CookieOptions = boolean | CookieJarLike | CookieFileOptions

/**
 * Checks the option `cookies`.
 * @param where the option's name, for the message
 * @returns undefined when there is to be no jar
 * @throws OptionError
 */
export function parseCookies(
  option: unknown,
  where: string,
): true | CookieJarLike | CookieFileOptions | undefined {
  if (option === undefined || option === false) return undefined
  if (option === true || isCookieJar(option)) return option
  if (typeof option !== 'object' || option === null || !('file' in option)) {
    throw new OptionError(
      `${where}: ${describe(option)} is no cookie jar; write true, { file: 'cookies.json' } or a tough-cookie CookieJar`,
    )
  }
  checkOptions(option, ['file'], where)
  const { file } = option
  if (typeof file !== 'string' || file === '') {
    throw new OptionError(`${where}.file: ${describe(file)} must be the path of a file`)
  }
  return { file }
}

/** Whether this has the methods of a tough-cookie jar; another copy of the package has another class. */
export function isCookieJar(value: unknown): value is CookieJarLike {
  if (typeof value !== 'object' || value === null) return false
  const jar = value as Partial<Record<keyof CookieJarLike, unknown>>
  return (
    typeof jar.store === 'object' &&
    jar.store !== null &&
    typeof jar.getCookieString === 'function' &&
    typeof jar.getCookieStringSync === 'function' &&
    typeof jar.setCookie === 'function' &&
    typeof jar.setCookieSync === 'function'
  )
}
