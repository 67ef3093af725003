import { cacheOptionNames, type CacheOptions } from '../cache/options.ts'
import { checkOptions } from '../core/check-options.ts'
import { describe } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { RatelimitRuleOptions, RatelimitSettings } from '../ratelimit/option-types.ts'
import { ratelimitOptionNames } from '../ratelimit/options.ts'
import { sessionOptionNames, type SessionOptions } from './session-options.ts'

/** Options of a session’s rate limit. */
export type RatelimitOptions = RatelimitRuleOptions & RatelimitSettings

/**
 * What `RatelimitMixin` adds to a session’s options: all of the limiter’s, and a place for what is its alone. There
 * `tls` is Redis’s; beside it stands the session’s own.
 */
export type RatelimitMixinOptions = RatelimitRuleOptions &
  Omit<RatelimitSettings, 'tls'> & {
    /** Options for the limiter alone; they beat the shared ones. */
    readonly ratelimitOptions?: RatelimitOptions
  }

/** What `CacheMixin` adds to a session’s options: all of the cache’s, and a place for what is its alone. */
export interface CacheMixinOptions extends CacheOptions {
  /** Options for the cache alone; they beat the shared ones. */
  readonly cacheOptions?: CacheOptions
  /** The same as `cacheOptions`. */
  readonly cache?: CacheOptions | true
}

/** The features that a mixin can add. */
export type Feature = 'cache' | 'ratelimit'

/** A session’s options, each feature’s set apart. */
export interface SplitOptions {
  readonly session: SessionOptions
  readonly ratelimit: RatelimitOptions | undefined
  readonly cache: CacheOptions | undefined
}

type Bag = Record<string, unknown>

/** Options that a session and the limiter both understand. */
const sharedWithSession = new Set(['raiseErrors'])

/**
 * Sets the flat options of a session with mixins apart. It depends on which features there are, never
 * on the order in which they were mixed in.
 * @throws OptionError for an unknown option, and when a feature’s own options are given twice or are none
 */
export function splitOptions(options: object, features: ReadonlySet<Feature>): SplitOptions {
  checkOptions(options, knownNames(features), 'Session')
  const rest: Bag = { ...(options as Bag) }
  const ratelimit = ownOptions(rest, 'ratelimit', 'ratelimitOptions', features)
  const cache = ownOptions(rest, 'cache', 'cacheOptions', features)
  const flat: Record<Feature, Bag> = { ratelimit: {}, cache: {} }
  for (const [name, value] of Object.entries(rest)) {
    const takers = takersOf(name, features)
    for (const feature of takers) flat[feature][name] = value
    if (takers.length > 0 && !sharedWithSession.has(name)) delete rest[name]
  }
  return {
    session: rest,
    ratelimit: merged(flat.ratelimit, ratelimit, features.has('ratelimit')),
    cache: merged(flat.cache, cache, features.has('cache')),
  }
}

/** The feature’s own object, taken out of `rest`. `ratelimit: 'gcra'` is no such object but an alias of `type`. */
function ownOptions(
  rest: Bag,
  feature: Feature,
  alias: string,
  features: ReadonlySet<Feature>,
): object | undefined {
  const names = features.has(feature) ? [feature, alias] : [feature]
  const given = names.filter(
    (name) => rest[name] !== undefined && !(name === 'ratelimit' && isAlias(rest[name], features)),
  )
  if (given.length > 1) throw new OptionError(`${given.join(' and ')} are the same option; give one of them`)
  const name = given[0]
  if (name === undefined) return undefined
  const own = rest[name]
  delete rest[name]
  if (name === 'cache' && own === true) return {}
  if (typeof own === 'object' && own !== null && !Array.isArray(own)) return own
  throw new OptionError(
    `${name}: ${describe(own)} must be an object of options; for no ${feature} at all leave it out`,
  )
}

function isAlias(value: unknown, features: ReadonlySet<Feature>): boolean {
  return typeof value === 'string' && features.has('ratelimit')
}

function knownNames(features: ReadonlySet<Feature>): readonly string[] {
  return [
    ...sessionOptionNames,
    ...(features.has('ratelimit') ? [...ratelimitOptionNames, 'ratelimitOptions'] : []),
    ...(features.has('cache') ? [...cacheOptionNames, 'cacheOptions'] : []),
  ]
}

function takersOf(name: string, features: ReadonlySet<Feature>): Feature[] {
  const takers: Feature[] = []
  if (features.has('ratelimit') && ratelimitOptionNames.includes(name)) takers.push('ratelimit')
  if (features.has('cache') && cacheOptionNames.includes(name)) takers.push('cache')
  // A name that only the session knows stays its own
  return sessionOptionNames.includes(name) && !sharedWithSession.has(name) && name !== 'ratelimit'
    ? []
    : takers
}

function merged(flat: Bag, own: object | undefined, mixedIn: boolean): object | undefined {
  return mixedIn ? { ...flat, ...own } : own
}
