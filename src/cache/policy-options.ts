import { checkChoice } from '../core/check-options.ts'
import { describe, type Microseconds, parseDuration, parsePositiveDuration } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import { heuristicStatuses } from './freshness.ts'
import { unstoredStatuses } from './policy.ts'
import type { CacheMode, PolicySettings } from './settings.ts'

/** The mode, and how long what says nothing is fresh in it. */
export type Lifetime = Pick<PolicySettings, 'mode' | 'cacheTimeout'>

/**
 * Checks mode and lifetime, of a cache or of one of its rules.
 * @param base what holds where they say nothing
 * @param where what they are of, for messages: `cache`, `cache.rules[0]`
 * @throws OptionError
 */
export function parseLifetime(
  options: { readonly [Name in keyof Lifetime]?: unknown },
  base: Lifetime,
  where: string,
): Lifetime {
  const mode = checkChoice(options.mode ?? base.mode, ['http', 'ttl'], `${where}.mode`)
  if (options.cacheTimeout !== undefined) {
    return { mode, cacheTimeout: checkTimeout(options.cacheTimeout, mode, `${where}.cacheTimeout`) }
  }
  if (mode === 'ttl' && (base.cacheTimeout === 'heuristic' || base.cacheTimeout === 0)) {
    throw new OptionError(
      `${where}: mode 'ttl' needs a cacheTimeout here; the cache’s own is for mode 'http'`,
    )
  }
  return { mode, cacheTimeout: base.cacheTimeout }
}

function checkTimeout(value: unknown, mode: CacheMode, option: string): Microseconds | 'heuristic' {
  if (mode === 'ttl') {
    if (value === 'heuristic') {
      throw new OptionError(
        `${option}: 'heuristic' is for mode 'http'; in mode 'ttl' write a duration such as '1h'`,
      )
    }
    return parsePositiveDuration(value, option)
  }
  return value === 'heuristic' ? value : parseDuration(value, option)
}

/**
 * Checks the lifetimes of statuses.
 * @param modes those that there are, in the cache and its rules: without `ttl` a status has to be one that is stored
 * although its response says nothing
 * @throws OptionError naming the status
 */
export function parseTimeoutByStatus(
  value: unknown,
  modes: ReadonlySet<CacheMode>,
  option: string,
): ReadonlyMap<number, Microseconds> | undefined {
  if (value === undefined) return undefined
  const named = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (named.length === 0) {
    throw new OptionError(`${option}: ${describe(value)} must name statuses: { 404: '1m' }`)
  }
  const timeouts = new Map<number, Microseconds>()
  for (const [name, timeout] of named) {
    timeouts.set(checkStatus(name, modes, option), parseDuration(timeout, `${option}[${name}]`))
  }
  // a part is fresh for as long as the whole is
  const whole = timeouts.get(200)
  if (whole !== undefined) timeouts.set(206, whole)
  return timeouts
}

function checkStatus(name: string, modes: ReadonlySet<CacheMode>, option: string): number {
  const status = Number(name)
  const wrong = (why: string): OptionError => new OptionError(`${option}: ${why}`)
  if (!/^[2-5]\d\d$/.test(name)) throw wrong(`'${name}' is no final status; write { 404: '1m' }`)
  if (unstoredStatuses.has(status)) throw wrong(`${name} answers one request alone, and is never stored`)
  if (status === 206) throw wrong('a part (206) is kept for as long as the whole; write 200')
  if (modes.has('ttl') || heuristicStatuses.has(status)) return status
  throw wrong(
    `in mode 'http' ${name} is stored only if the server says for how long; mode 'ttl', of a rule, say, keeps it for so long`,
  )
}
