export type { Backend } from '../backends/contract.ts'
export { MemoryBackend, type MemoryBackendOptions } from '../backends/memory/memory-backend.ts'
export type { RedisConn } from '../backends/redis/client-shape.ts'
export { RedisBackend } from '../backends/redis/redis-backend.ts'
export type { RedisBackendOptions } from '../backends/redis/redis-options.ts'
export { SqliteBackend, type SqliteBackendOptions } from '../backends/sqlite/sqlite-backend.ts'
export type { Clock } from '../core/clock.ts'
export type { Duration, Rate } from '../core/duration.ts'
export { AbortError, OptionError, RatelimitError, SessionError } from '../core/errors.ts'
export type { Ticket } from './ticket.ts'
export type {
  BackendErrorPolicy,
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
export type { AcquireOptions } from './acquire-options.ts'
export type {
  BackendBackEvent,
  BackendLostEvent,
  DeniedEvent,
  GrantedEvent,
  LimiterEvent,
  PausedEvent,
  RatelimitEventName,
  RatelimitEvents,
  WaitingEvent,
} from './events.ts'
export { type PauseOptions, Ratelimiter, type RatelimitStanding, type WrapOptions } from './ratelimiter.ts'
