import type { BackendChoice } from '../backends/backend-options.ts'
import type { Microseconds } from '../core/duration.ts'
import type { Request } from '../core/request.ts'

/** Whether the server’s directives rule, or a fixed lifetime. */
export type CacheMode = 'http' | 'ttl'

/** What the policy depends on. Each URL has one: that of the first rule that matches it, or else the cache’s own. */
export interface PolicySettings {
  readonly mode: CacheMode
  /** Never `'heuristic'` in `ttl` mode. */
  readonly cacheTimeout: Microseconds | 'heuristic'
  /** Lifetimes of single statuses, in the place of `cacheTimeout`; undefined when none has one. */
  readonly cacheTimeoutByStatus: ReadonlyMap<number, Microseconds> | undefined
}

/** For some URLs another policy. */
export interface ParsedRule {
  /** Whether it is for a URL, in the normal form that keys are made of. */
  readonly matches: (href: string) => boolean
  readonly policy: PolicySettings
}

/** What is known of a response when it is decided whether it is kept: its head. The content may be still to come. */
export interface KeepableResponse {
  readonly request: Request
  readonly status: number
  readonly statusText: string
  /** As they would be stored: without those of the connection. */
  readonly headers: Headers
}

/** Cache options, checked, with their defaults; spans in microseconds. */
export interface CacheSettings extends PolicySettings {
  readonly backend: BackendChoice
  readonly prefix: string
  /** The first that matches a URL holds for it, in the place of what the cache says itself. */
  readonly rules: readonly ParsedRule[]
  /** undefined: the backend’s own. */
  readonly maxSize: number | undefined
  readonly maxEntrySize: number
  readonly storeTimeout: Microseconds
  readonly checkFrequency: Microseconds
  readonly partition: false | ((request: Request) => string) | undefined
  readonly partitionSecret: string
  readonly ignoredParams: ReadonlySet<string>
  readonly cacheKey: ((request: Request) => string) | undefined
  /** Whether a response that may be kept is. @throws OptionError, what the user’s function throws */
  readonly cacheFilter: ((response: KeepableResponse) => boolean) | undefined
  readonly renewOnGet: boolean
}
