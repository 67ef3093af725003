import { checkChoice, checkOptions } from '../core/check-options.ts'
import { describe } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { Credentials } from '../core/request.ts'

/** A user name and a password. */
export interface PasswordAuthOptions {
  /** `basic` (RFC 7617, UTF-8) or `digest` (RFC 7616). Default: `'basic'`. */
  readonly type?: 'basic' | 'digest'
  readonly username: string
  readonly password: string
}

/** A bearer token (RFC 6750). */
export interface BearerAuthOptions {
  readonly bearer: string
}

/** `auth` of a session or a request. An Authorization field that the caller writes beats it. */
export type AuthOptions = PasswordAuthOptions | BearerAuthOptions

/**
 * Checks the option `auth`. Its messages never show a secret.
 * @param where the option's name, for the message
 * @throws OptionError
 */
export function parseAuth(option: unknown, where: string): Credentials {
  if (typeof option !== 'object' || option === null || Array.isArray(option)) {
    throw new OptionError(
      `${where}: ${Array.isArray(option) ? 'an array' : `a ${typeof option}`} is no auth; ` +
        "write { username, password }, { bearer } or { type: 'digest', username, password }",
    )
  }
  return 'bearer' in option ? parseBearer(option, where) : parsePassword(option, where)
}

function parseBearer(option: { readonly bearer: unknown }, where: string): Credentials {
  checkOptions(option, ['bearer'], where)
  const { bearer } = option
  // RFC 6750 allows less, but tokens with `|` and `:` are in use; what breaks a field is refused.
  if (typeof bearer !== 'string' || !/^[!-~]+$/.test(bearer)) {
    throw new OptionError(`${where}.bearer must be a token: visible ASCII characters without spaces`)
  }
  return { kind: 'bearer', token: bearer }
}

function parsePassword(option: object, where: string): Credentials {
  checkOptions(option, ['type', 'username', 'password'], where)
  const { type = 'basic', username, password } = option as Readonly<Record<string, unknown>>
  const kind = checkChoice(type, ['basic', 'digest'], `${where}.type`)
  checkText(username, `${where}.username`)
  checkText(password, `${where}.password`)
  if (kind === 'basic' && username.includes(':')) {
    throw new OptionError(
      `${where}.username: ${describe(username)} has a colon, which Basic cannot send (RFC 7617, 2)`,
    )
  }
  return { kind, username, password }
}

/** Control characters are not allowed (RFC 7617, 2; RFC 7616, 3.4). */
function checkText(value: unknown, option: string): asserts value is string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (typeof value !== 'string' || !value.isWellFormed() || /[\u0000-\u001f\u007f]/.test(value)) {
    throw new OptionError(`${option} must be a string of Unicode text without control characters`)
  }
}
