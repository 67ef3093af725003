import { checkChoice } from '../core/check-options.ts'
import { describe, type Duration, parsePositiveDuration } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'

/** What {@link SessionConfig} holds. */
export interface SessionConfigValues {
  /** Print each request and its response’s status on stderr. Default: false. */
  debug: boolean
  /**
   * Whether a request that got no response throws (true) or returns a network-error response (false).
   * Default: undefined, which is true for single requests and false in a batch.
   */
  raiseErrors: boolean | undefined
  /** Whether callbacks’ results are kept on `response.callbacks`. Default: false. */
  returnCallbacks: boolean
  /** Whether callbacks are called for network-error responses too. Default: false. */
  runCallbacksOnError: boolean
  /** Print a line on stderr when a callback throws. Default: true. */
  printCallbackExceptions: boolean
  /** Print the stack too. Default: false. */
  printCallbackTracebacks: boolean
  /** Whether a hit in a `ttl` cache renews the entry’s lifetime. Default: false. */
  renewCacheOnGet: boolean
  /** Most requests of one batch at a time. Default: 50. */
  semaphore: number
  /**
   * The longest that a call of a `SyncSession` waits for a word of its worker, the worker's start (at most 30 seconds)
   * and waits for the rate limit apart; false for no limit. Then it throws a TimeoutError, ERR_TIMEOUT_THREADED; what was asked for goes on in the worker, and its
   * answer is dropped. Default: `'10m'`, twice what a server has for its next byte by default.
   */
  threadedTimeout: Duration | false
}

const defaults: Readonly<SessionConfigValues> = {
  debug: false,
  raiseErrors: undefined,
  returnCallbacks: false,
  runCallbacksOnError: false,
  printCallbackExceptions: true,
  printCallbackTracebacks: false,
  renewCacheOnGet: false,
  semaphore: 50,
  threadedTimeout: '10m',
}

/** The values themselves: reading them through the proxy would cost each request. */
export const configured = Object.defineProperty({ ...defaults }, 'reset', {
  value: () => void Object.assign(configured, defaults),
}) as SessionConfigValues & {
  /** Puts every value back to its default. */
  reset(): void
}

/**
 * Defaults for every session of this process, read when a request is made; an option of the session
 * or of the call beats them. The only global state there is.
 * @example SessionConfig.returnCallbacks = true
 * @throws OptionError for a name that is none, or a value that does not fit
 */
export const SessionConfig = new Proxy(configured, {
  set(_, name, value: unknown) {
    const known = checkName(String(name))
    return Reflect.set(configured, known, checkValue(known, value))
  },
  defineProperty() {
    throw new OptionError('SessionConfig: values can only be set, as in SessionConfig.debug = true')
  },
  deleteProperty() {
    throw new OptionError('SessionConfig: values cannot be deleted; use SessionConfig.reset()')
  },
})

function checkName(name: string): keyof SessionConfigValues {
  return checkChoice(name, Object.keys(defaults) as (keyof SessionConfigValues)[], 'SessionConfig')
}

function checkValue(name: keyof SessionConfigValues, value: unknown): unknown {
  if (name === 'threadedTimeout') {
    if (value !== false) parsePositiveDuration(value, 'SessionConfig.threadedTimeout')
    return value
  }
  const fits =
    name === 'semaphore'
      ? Number.isSafeInteger(value) && (value as number) >= 1
      : typeof value === 'boolean' || (name === 'raiseErrors' && value === undefined)
  if (fits) return value
  const wanted = name === 'semaphore' ? 'a whole number of at least 1' : 'true or false'
  throw new OptionError(`SessionConfig.${name}: ${describe(value)} must be ${wanted}`)
}
