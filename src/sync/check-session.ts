import { parseCacheOptions } from '../cache/options.ts'
import { OptionError } from '../core/errors.ts'
import { parseRatelimitOptions } from '../ratelimit/options.ts'
import { type Feature, splitOptions } from '../session/feature-options.ts'
import { parseHarOptions } from '../session/har/har-options.ts'
import { RequestBuilder } from '../session/request-builder.ts'
import { checkSessionOptions, requestDefaults, type SessionOptions } from '../session/session-options.ts'
import { adviceFor } from './advice.ts'
import { plainEntries } from './checked-options.ts'
import { pack } from './portable.ts'
import { blockingClock } from './worker-link.ts'

/** What the calling thread needs of a session’s options itself. */
export interface CheckedSession {
  /** All options, as the worker is told them. */
  readonly options: object
  /** The options that are the session’s, with those of its mixins taken out. */
  readonly session: SessionOptions
  /** Makes requests that stand for those that could not be made. */
  readonly builder: RequestBuilder
}

/**
 * Checks options as the session in the worker will, so that whoever got one wrong hears of it at once and no
 * worker has to be started for it.
 * @throws OptionError
 */
export function checkSession(given: object, features: ReadonlySet<Feature>): CheckedSession {
  const options = plainEntries(given)
  const { session, ratelimit, cache } = splitOptions(options, features)
  if (session.clock !== undefined) throw new OptionError(adviceFor(session.clock, 'clock'))
  checkSessionOptions(session)
  if (ratelimit !== undefined) parseRatelimitOptions(ratelimit, 'ratelimit')
  if (cache !== undefined) parseCacheOptions(cache, 'cache')
  parseHarOptions(session.har)
  pack(options, '', { transfer: [], keep: () => 0 })
  refuseThings('ratelimit', ratelimit)
  refuseThings('cache', cache)
  return { options, session, builder: new RequestBuilder(requestDefaults(session), blockingClock) }
}

/** A backend or a client that was written as a plain object would cross, function by function, and could not work there. */
function refuseThings(feature: Feature, options: object = {}): void {
  const { backend, conn } = options as { readonly backend?: unknown; readonly conn?: unknown }
  if (typeof backend === 'object') throw new OptionError(adviceFor(backend, `${feature}.backend`))
  if (conn !== undefined) throw new OptionError(adviceFor(conn, `${feature}.conn`))
}
