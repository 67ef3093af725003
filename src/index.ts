export { MemoryBackend } from './backends/memory/memory-backend.ts'
export { SqliteBackend } from './backends/sqlite/sqlite-backend.ts'
export type { Backend, CacheEntry, CacheStore, LimitStore } from './backends/contract.ts'
export { Batch } from './batch/batch.ts'
export { BatchError } from './batch/batch-error.ts'
export type { CacheOptions } from './cache/options.ts'
export type { Clock, Timer } from './core/clock.ts'
export type { Duration, DurationFields, Rate } from './core/duration.ts'
export {
  AbortError,
  errorCodes,
  NetworkError,
  OptionError,
  RatelimitError,
  SessionError,
  type SessionErrorCode,
  TimeoutError,
} from './core/errors.ts'
export type { CacheStatus } from './core/reply.ts'
export { Response } from './http/response.ts'
export { HttpStatusError, type ResponseRequest, type ResponseTimings } from './http/response-head.ts'
export { StreamResponse } from './http/stream-response.ts'
export { Ratelimiter } from './ratelimit/index.ts'
export type { RequestObject } from './session/batch-session.ts'
export type { CacheMixinOptions, RatelimitMixinOptions, RatelimitOptions } from './session/feature-options.ts'
export { CacheMixin, RatelimitMixin } from './session/mixins.ts'
export {
  Session,
  type SessionBatchOptions,
  type SessionRequestOptions,
  type StreamOptions,
} from './session/session.ts'
export { SessionConfig, type SessionConfigValues } from './session/session-config.ts'
export type { SessionOptions } from './session/session-options.ts'
