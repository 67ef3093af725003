export type { Ticket } from './ticket.ts'
export type {
  FixedWindowParameters,
  GcraParameters,
  LeakyBucketParameters,
  LimiterSettings,
  RatelimiterOptions,
  RatelimitRuleOptions,
  RatelimitSettings,
  SlidingWindowParameters,
  TokenBucketParameters,
  TypeOption,
} from './option-types.ts'
export {
  parseRatelimitOptions,
  RatelimitConfig,
  type RatelimitDefaults,
  ratelimitOptionNames,
} from './options.ts'
export { type AcquireOptions, Ratelimiter, type RatelimitStanding, type WrapOptions } from './ratelimiter.ts'
