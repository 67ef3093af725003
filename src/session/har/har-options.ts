import { checkBoolean, checkInteger, checkOptions } from '../../core/check-options.ts'
import { describe } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'

/** What a session records of its requests, and shows by `har()`. */
export interface HarOptions {
  /** Whether contents are kept. Default: true. */
  readonly content?: boolean
  /**
   * Most bytes that are kept: the oldest entries go first, and the content of a response or request of more than an
   * eighth of it is left out. Default: 67108864 (64 MiB).
   */
  readonly limit?: number
  /**
   * What is made unreadable: names of header fields, query parameters, form fields and JSON members that hold secrets,
   * beside the usual ones (Authorization, Cookie, Set-Cookie, and names such as `api_key` or `access_token`). `false`
   * shows everything. Default: the usual ones.
   */
  readonly redact?: false | readonly string[]
}

/** Checks `har`. @returns undefined when nothing is to be recorded @throws OptionError */
export function parseHarOptions(option: unknown): Required<HarOptions> | undefined {
  if (option === undefined || option === false) return undefined
  const options = option === true ? {} : (option as HarOptions)
  checkOptions(options, ['content', 'limit', 'redact'], 'har')
  const { content = true, limit = 67_108_864, redact = [] } = options
  return {
    content: checkBoolean(content, 'har.content'),
    limit: checkInteger(limit, 1, 'har.limit'),
    redact: checkRedact(redact),
  }
}

function checkRedact(redact: unknown): false | readonly string[] {
  if (redact === false) return false
  if (Array.isArray(redact) && redact.every((name) => typeof name === 'string' && name !== '')) {
    return redact as readonly string[]
  }
  throw new OptionError(`har.redact: ${describe(redact)} must be a list of names, or false`)
}
