import type { DatabaseSync } from 'node:sqlite'
import type { Backend } from '../backends/contract.ts'
import type { RedisConn } from '../backends/redis/client-shape.ts'
import type { RedisConnectionOptions } from '../backends/redis/redis-options.ts'
import type { Clock } from '../core/clock.ts'
import type { Duration, Rate } from '../core/duration.ts'

/** The option that names the algorithm, and its aliases. */
export type TypeOption = 'type' | 'ratelimiter' | 'ratelimit' | 'rateLimit' | 'limiter' | 'limiterType'

/** A name of two words as people write it. */
type Spelling<First extends string, Second extends string> =
  | `${First | Capitalize<First>}${Second | Capitalize<Second>}`
  | `${First}-${Second}`
  | `${First}_${Second}`

/** At most N units in any interval as long as the window, wherever it starts. */
export interface SlidingWindowParameters {
  /** Units per window. @default 10 */
  readonly limit?: number
  /** @default '1s' */
  readonly window?: Duration
}

/** At most N units in each window; windows follow one another. */
export interface FixedWindowParameters {
  /** Units per window. @default 10 */
  readonly limit?: number
  /** @default '1s' */
  readonly window?: Duration
  /**
   * Where windows start: with the first request, or at multiples of their length on the clock. That is the
   * machine’s as it was when the process started: a calendar that is set, or a sleep of the machine, moves the
   * windows away from a server’s. @default 'first'
   */
  readonly align?: 'first' | 'clock'
}

/** A bucket of tokens that fills steadily; each unit takes one out. */
export interface TokenBucketParameters {
  /** Tokens in a full bucket, as it is at the start. @default 10 */
  readonly capacity?: number
  /** Tokens per second, or `'600/m'`. @default 1 */
  readonly fillRate?: Rate
}

/** A bucket that leaks steadily; each unit pours one in. */
export interface LeakyBucketParameters {
  /** Units that fit into the bucket. @default 10 */
  readonly capacity?: number
  /** Units per second that leak out, or `'600/m'`. @default 5 */
  readonly leakRate?: Rate
  /**
   * `'meter'` lets a burst of `capacity` through at once. `'queue'` spaces evenly and refuses when more than
   * `capacity` wait; having no burst it cannot make up for a timer that was late, about 1 ms a unit, nor for
   * the journey of the unit before: count on 95 % of the rate at 50 a second. @default 'meter'
   */
  readonly shape?: 'meter' | 'queue'
}

/** The generic cell rate algorithm: one cell per period, with some tolerance for early ones. */
export interface GcraParameters {
  /** Time between two cells. @default '1s' */
  readonly period?: Duration
  /** Burst tolerance: how much too early a cell may be. A duration. @default '10s' */
  readonly limit?: Duration
}

type ParameterName =
  | keyof SlidingWindowParameters
  | keyof FixedWindowParameters
  | keyof TokenBucketParameters
  | keyof LeakyBucketParameters
  | keyof GcraParameters

/** Exactly one of the aliases, with one of the names. */
type Named<Name extends string> = {
  [Alias in TypeOption]: { readonly [Key in Alias]: Name } & {
    readonly [Key in Exclude<TypeOption, Alias>]?: never
  }
}[TypeOption]

type Unnamed = { readonly [Key in TypeOption]?: never }

/** These parameters, and none of another algorithm. */
type Only<Parameters> = Parameters & { readonly [Key in Exclude<ParameterName, keyof Parameters>]?: never }

/** One limit: which algorithm (`type` or one of its aliases; the sliding window when none is given), and its parameters. */
export type LimitOptions =
  | ((Unnamed | Named<Spelling<'sliding', 'window'>>) & Only<SlidingWindowParameters>)
  | (Named<Spelling<'fixed', 'window'>> & Only<FixedWindowParameters>)
  | (Named<Spelling<'token', 'bucket'>> & Only<TokenBucketParameters>)
  | (Named<Spelling<'leaky', 'bucket'>> & Only<LeakyBucketParameters>)
  | (Named<'gcra' | 'Gcra' | 'GCRA'> & Only<GcraParameters>)

/** Several limits instead of one. */
type SeveralLimits = Unnamed &
  Only<unknown> & {
    /**
     * Limits that hold together: a request goes when all of them let it, and counts for each; what one of them does not
     * let through counts for none.
     * @example
     * { limits: [{ limit: 10, window: '1s' }, { type: 'tokenbucket', capacity: 100, fillRate: '1000/h' }] }
     */
    readonly limits: readonly LimitOptions[]
  }

/** One limit, or several in `limits`. */
export type RatelimitRuleOptions = (LimitOptions & { readonly limits?: never }) | SeveralLimits

/** What to do while a shared backend fails. */
export type BackendErrorPolicy = 'wait' | 'throw' | 'local'

/** What a limiter has beside its algorithm. */
export interface LimiterSettings extends Omit<RedisConnectionOptions, 'db' | 'conn'> {
  /** Prefix of every key in the backend; limiters with the same prefix and backend share their limits. @default 'Session' */
  readonly key?: string
  /**
   * Where limits are kept: in this process’s memory, in an SQLite file that processes share, in a Redis server or
   * cluster, or in a backend shared with others. @default 'memory'
   */
  readonly backend?: 'memory' | 'sqlite' | 'redis' | Backend
  /**
   * With `backend: 'sqlite'`: the path of the file. @default a temporary file of this process, removed when it ends.
   * With `backend: 'redis'` and no server named: the file that its temporary server keeps its data in. @default none
   */
  readonly db?: string
  /** With `backend: 'sqlite'` or `'redis'`: your own connection; it stays yours to close. */
  readonly conn?: DatabaseSync | RedisConn
  /** An idle key is kept at least this long, and never less than it still matters. @default '5m' */
  readonly cacheTimeout?: Duration
  /** How often the backend looks for keys to forget. @default '15s' */
  readonly checkFrequency?: Duration
  /** Throw a {@link RatelimitError} instead of waiting; with `maxWait` too, only instead of waiting longer than that. @default false */
  readonly raiseErrors?: boolean
  /** Wait no longer than this for a slot, and throw a {@link RatelimitError} as soon as that is known to be too short. @default as long as it takes */
  readonly maxWait?: Duration
  /**
   * The longest time that a request is assumed to travel to the server; `'settle'` assumes nothing and counts from the answer.
   * Where processes share the limit, a unit is on a lease before that, as long as the margin and at least 600 ms, which is renewed
   * at its half until the request is written: so much longer than the margin the units of a process that dies count. With `'settle'`
   * it is 1 s, renewed every 250 ms until the answer. @default '50ms' in a session, '0ms' in a bare Ratelimiter
   */
  readonly margin?: Duration | 'settle'
  /** The shortest pause between two looks at a busy shared backend. Memory is never busy. @default '50ms' */
  readonly sleepDuration?: Duration
  /**
   * What to do while a backend that processes share cannot be reached, or does not answer:
   * - `'wait'`: wait until it is back, and no longer than `maxWait` or the request’s own deadline. Nothing is granted
   *   meanwhile, so the limit holds. Where it has lost its memory in between, nothing is granted until what went before no
   *   longer counts: a window, or until a bucket is full.
   * - `'throw'`: throw a {@link SessionError} ERR_BACKEND, within a second, and at once while it is known to be away.
   * - `'local'`: count in this process’s memory until it is back, up to `share` of each limit. Whenever the backend goes
   *   or comes, each process may use up to that share more than the limit allows.
   *
   * What makes the first use of a backend impossible, a file that is no database, say, or a wrong password, is an
   * {@link OptionError} at once, whatever this says.
   * @default 'wait'
   */
  readonly onBackendError?: BackendErrorPolicy
  /**
   * With `onBackendError: 'local'`: the part of each limit that this process may use by itself, above 0 and at most 1:
   * windows hold fewer units, buckets are smaller and slower; one unit always fits. With four processes, 0.25
   * keeps the limit as a whole. @default 1
   */
  readonly share?: number
}

/** What a session’s limiter has beside its algorithm. */
export interface RatelimitSettings extends LimiterSettings {
  /** One limit per host: origin with port. It beats `perEndpoint`. @default false */
  readonly perHost?: boolean
  /** One limit per endpoint: method, origin and path, without the query. @default true */
  readonly perEndpoint?: boolean
  /**
   * Follow what the server says. Retry-After of a 429 or 503 pauses the key for so long, and a response that says
   * that nothing of its quota is left (`RateLimit`, `RateLimit-Remaining`, `X-RateLimit-Remaining`) until that is
   * reset: for everybody who shares the limit, in this process and in others. Other keys go on, and so do requests under way.
   *
   * A 429 that says how long, and an idempotent request’s 503 with Retry-After, are sent again when the pause is over,
   * three times in all, also without the option `retry`; `retry: false` forbids that, and a policy of `retry` is
   * followed instead. When the pause is longer than the request would wait (its `maxWait`, the limiter’s, `raiseErrors`,
   * the total `timeout`) or than `maxPause`, the refusal is the answer: a response like any other, no error. Nothing
   * is learnt from cached responses. @default true
   */
  readonly adaptive?: boolean
  /** The longest that one response can pause a key, so that none can stop a job for ever. @default '1h' */
  readonly maxPause?: Duration
}

/** Options of a {@link Ratelimiter}. */
export type RatelimiterOptions = RatelimitRuleOptions &
  LimiterSettings & {
    /** Where time comes from. @default the machine’s clock */
    readonly clock?: Clock
  }
