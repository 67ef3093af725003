import { types } from 'node:util'
import { checkAnswer, checkOptions } from '../core/check-options.ts'
import { describe, type Duration, type Microseconds } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import { normalUrl } from './key.ts'
import { type Lifetime, parseLifetime, parseTimeoutByStatus } from './policy-options.ts'
import type { CacheMode, CacheSettings, ParsedRule, PolicySettings } from './settings.ts'

/** An hour. */
const defaultTimeout: Microseconds = 3_600_000_000

/** How long, and in which mode, responses of some URLs are kept. */
export interface CacheRule {
  /**
   * Which URLs: a text means the URL itself and all below it, with any query (`'https://api.example/users'` means
   * `/users`, `/users?page=2` and `/users/7`, but not `/usersettings`). A RegExp, without the flags `g` and `y`, is
   * tested against the whole URL; a function is given it. All see it as the cache’s keys do: without its fragment and
   * the `ignoredParams`.
   */
  readonly match: string | RegExp | ((url: URL) => boolean)
  /** Default: the cache’s own. */
  readonly cacheTimeout?: Duration | 'heuristic'
  /** Default: the cache’s own. */
  readonly mode?: CacheMode
}

/**
 * Checks how long responses are kept: in the cache as a whole, by status, and by rules.
 * @throws OptionError
 */
export function parsePolicies(
  options: { readonly [Name in keyof PolicySettings | 'rules']?: unknown },
  where: string,
): PolicySettings & Pick<CacheSettings, 'rules'> {
  const own = parseLifetime(options, { mode: 'http', cacheTimeout: defaultTimeout }, where)
  const rules = checkRules(options.rules ?? [], `${where}.rules`).map((rule, index) =>
    parseRule(rule, own, `${where}.rules[${index}]`),
  )
  const modes = new Set([own, ...rules.map(({ lifetime }) => lifetime)].map(({ mode }) => mode))
  const name = `${where}.cacheTimeoutByStatus`
  const cacheTimeoutByStatus = parseTimeoutByStatus(options.cacheTimeoutByStatus, modes, name)
  return {
    ...own,
    cacheTimeoutByStatus,
    rules: rules.map(({ matches, lifetime }) => ({ matches, policy: { ...lifetime, cacheTimeoutByStatus } })),
  }
}

function checkRules(rules: unknown, option: string): readonly CacheRule[] {
  if (Array.isArray(rules)) return rules as CacheRule[]
  throw new OptionError(
    `${option}: ${describe(rules)} must be a list of rules: [{ match: /\\.json$/, cacheTimeout: '1d' }]`,
  )
}

function parseRule(
  rule: CacheRule,
  base: Lifetime,
  where: string,
): { readonly matches: ParsedRule['matches']; readonly lifetime: Lifetime } {
  checkOptions(rule, ['match', 'cacheTimeout', 'mode'], where)
  if (rule.cacheTimeout === undefined && rule.mode === undefined) {
    throw new OptionError(`${where}: says nothing; give it a cacheTimeout, a mode, or both`)
  }
  return { matches: parseMatch(rule.match, `${where}.match`), lifetime: parseLifetime(rule, base, where) }
}

function parseMatch(match: unknown, option: string): ParsedRule['matches'] {
  if (typeof match === 'string') return below(match, option)
  if (typeof match === 'function') return asked(match as (url: URL) => unknown, option)
  if (!types.isRegExp(match)) {
    throw new OptionError(
      `${option}: ${describe(match)} must be the text of a URL, a RegExp, or a function of the URL`,
    )
  }
  if (match.global || match.sticky) {
    throw new OptionError(
      `${option}: ${String(match)} goes on where it stopped; write it without the flags g and y`,
    )
  }
  return (href) => match.test(href)
}

/** The URL and all below it, by whole segments of its path, as a cookie’s Path is matched (RFC 6265, 5.1.4). */
function below(text: string, option: string): ParsedRule['matches'] {
  const url = URL.parse(text)
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (!isPlain || /[*?#]/.test(text)) {
    // it may hold a password
    const shown = text.includes('@') ? 'the text' : describe(text)
    throw new OptionError(
      `${option}: ${shown} must be a whole URL, 'https://api.example/users', which means all below it, too; ` +
        'for anything else give a RegExp or a function',
    )
  }
  const base = normalUrl(url, new Set())
  if (base.endsWith('/')) return (href) => href.startsWith(base)
  return (href) => href.startsWith(base) && [undefined, '/', '?'].includes(href[base.length])
}

function asked(match: (url: URL) => unknown, option: string): ParsedRule['matches'] {
  return (href) => {
    // its own: what it does to it is done to nobody else
    return checkAnswer(match(new URL(href)), option)
  }
}
