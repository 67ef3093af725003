import type { Rule } from '../algorithms/rule.ts'
import {
  type BackendChoice,
  backendOptionNames,
  createBackend,
  parseBackend,
} from '../backends/backend-options.ts'
import type { Backend } from '../backends/contract.ts'
import { escapePrefix } from '../backends/key-prefix.ts'
import { checkBoolean, checkChoice, checkOptions } from '../core/check-options.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { describe, type Microseconds, parseDuration, parsePositiveDuration } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import { type LeaseTerms, leaseTerms } from './lease-terms.ts'
import type { BackendErrorPolicy } from './option-types.ts'
import { parameterNames, parseRule, type RawOptions, typeOptions } from './rule-options.ts'

/** The names of all options that a limiter adds to a session. */
export const ratelimitOptionNames: readonly string[] = [
  ...typeOptions,
  ...parameterNames,
  'limits',
  'key',
  ...backendOptionNames,
  'cacheTimeout',
  'checkFrequency',
  'raiseErrors',
  'maxWait',
  'margin',
  'sleepDuration',
  'onBackendError',
  'share',
  'perHost',
  'perEndpoint',
  'adaptive',
  'maxPause',
]

const limiterOptionNames = [...ratelimitOptionNames, 'clock']

/** What a session may set where its user says nothing. */
export interface RatelimitDefaults {
  /** Given by a session, whose requests hold their units until these arrive. @default 0 */
  readonly margin?: Microseconds
  /** @default systemClock */
  readonly clock?: Clock
}

/** Checked options of a limiter, ready to make one of. Spans in microseconds. */
export class RatelimitConfig {
  readonly rule: Rule<unknown>
  /** Units that may wait on one key. */
  readonly queueCapacity: number
  readonly key: string
  /** The backend that was passed in; it is not the limiter’s to close. */
  readonly backend: Backend | undefined
  readonly #backend: BackendChoice
  /** An idle key is kept at least this long. */
  readonly retention: Microseconds
  readonly checkFrequency: Microseconds
  /** The longest wait, 0 for none; undefined: as long as it takes. */
  readonly maxWait: Microseconds | undefined
  /** What the margin comes to on the backend. */
  readonly terms: LeaseTerms
  readonly sleepDuration: Microseconds
  readonly onBackendError: BackendErrorPolicy
  /** Of each limit, while memory stands in for the backend. */
  readonly share: number
  readonly perHost: boolean
  readonly perEndpoint: boolean
  /** Whether a session’s responses may pause their key. */
  readonly adaptive: boolean
  /** The longest that one of them can. */
  readonly maxPause: Microseconds
  readonly clock: Clock

  /** @throws OptionError; see {@link parseRatelimitOptions} */
  constructor(options: RawOptions, where: string, defaults: RatelimitDefaults) {
    const { cacheTimeout = '5m', checkFrequency = '15s', sleepDuration = '50ms' } = options
    const { raiseErrors = false, perHost = false, perEndpoint = true } = options
    const { adaptive = true, maxPause = '1h' } = options
    const margin = parseMargin(options.margin, defaults.margin ?? 0)
    const backend = (this.#backend = parseBackend(options, where))
    this.backend = backend.given
    const isShared = backend.given === undefined ? backend.kind !== 'memory' : backend.given.limits.shared
    // Who has a margin of its own is a session, and holds the units of its requests.
    this.terms = leaseTerms(margin, isShared, defaults.margin !== undefined)
    const parsed = parseRule(options, where, this.terms)
    this.rule = parsed.rule
    this.queueCapacity = parsed.queueCapacity
    this.key = escapePrefix(parseKey(options.key ?? 'Session'))
    this.retention = parseDuration(cacheTimeout, 'cacheTimeout')
    this.checkFrequency = parsePositiveDuration(checkFrequency, 'checkFrequency')
    const atOnce = checkBoolean(raiseErrors, 'raiseErrors') ? 0 : undefined
    this.maxWait = options.maxWait === undefined ? atOnce : parseDuration(options.maxWait, 'maxWait')
    this.sleepDuration = parseDuration(sleepDuration, 'sleepDuration')
    this.onBackendError = parsePolicy(options, isShared, where)
    this.share = parseShare(options, where)
    this.perHost = checkBoolean(perHost, 'perHost')
    this.perEndpoint = checkBoolean(perEndpoint, 'perEndpoint')
    this.adaptive = checkBoolean(adaptive, 'adaptive')
    this.maxPause = parsePositiveDuration(maxPause, 'maxPause')
    this.clock = parseClock(options.clock ?? defaults.clock ?? systemClock)
  }

  /** The backend that was passed in, or a new one for one limiter. */
  createBackend(): Backend {
    const backend = this.#backend
    return backend.given ?? createBackend(backend, this)
  }

  /** Whether the limiter’s clock is its backend’s too. */
  get isOwnClock(): boolean {
    return this.#backend.given === undefined && this.#backend.kind === 'memory'
  }
}

/**
 * Checks options of a limiter, those of a session’s included.
 * @param where what they are of, for messages: `Session`, `ratelimit`
 * @throws OptionError naming the option that is unknown, wrong, or another algorithm’s
 */
export function parseRatelimitOptions(
  options: unknown,
  where: string,
  defaults: RatelimitDefaults = {},
): RatelimitConfig {
  checkOptions(options, limiterOptionNames, where)
  return new RatelimitConfig(options as RawOptions, where, defaults)
}

function parseMargin(value: unknown, preset: Microseconds): Microseconds | 'settle' {
  if (value === undefined) return preset
  return value === 'settle' ? value : parseDuration(value, 'margin')
}

function parseKey(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new OptionError(`key: ${describe(value)} must be a text, the prefix of all keys`)
}

function parsePolicy({ onBackendError }: RawOptions, isShared: boolean, where: string): BackendErrorPolicy {
  if (onBackendError === undefined) return 'wait'
  const policy = checkChoice(onBackendError, ['wait', 'throw', 'local'], 'onBackendError')
  if (isShared) return policy
  throw new OptionError(
    `${where}: onBackendError is for backends that processes share and that can fail; this one is memory`,
  )
}

function parseShare({ share, onBackendError }: RawOptions, where: string): number {
  if (share === undefined) return 1
  if (onBackendError !== 'local') {
    throw new OptionError(`${where}: share belongs to onBackendError 'local': write that beside it`)
  }
  if (typeof share === 'number' && share > 0 && share <= 1) return share
  throw new OptionError(`share: ${describe(share)} must be a number above 0 and at most 1`)
}

function parseClock(value: unknown): Clock {
  if (typeof value === 'object' && value !== null && 'now' in value && 'timer' in value) return value as Clock
  throw new OptionError(`clock: ${describe(value)} is no clock: { now, wallNow, timer }`)
}
