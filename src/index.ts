export { MemoryBackend } from './backends/memory/memory-backend.ts'
export type { RedisConn } from './backends/redis/client-shape.ts'
export { RedisBackend } from './backends/redis/redis-backend.ts'
export type { RedisBackendOptions, RedisConnectionOptions } from './backends/redis/redis-options.ts'
export type { MaxMemoryPolicy, TemporaryServerOptions } from './backends/redis/server-options.ts'
export { startTemporaryServer, type TemporaryServer } from './backends/redis/temporary-server.ts'
export { SqliteBackend } from './backends/sqlite/sqlite-backend.ts'
export type { Backend, CacheEntry, CacheSize, CacheStore, LimitStore } from './backends/contract.ts'
export type { CorruptEntryEvent } from './backends/corrupt-entries.ts'
export { Batch } from './batch/batch.ts'
export { BatchError } from './batch/batch-error.ts'
export type { Callback } from './batch/callbacks.ts'
export type { ProgressOptions } from './batch/progress.ts'
export type { ProgressStream } from './batch/terminal.ts'
export type {
  CacheBackendBackEvent,
  CacheBackendLostEvent,
  CacheErrorEvent,
  CacheEvent,
  CacheEventName,
  CacheEvents,
  RevalidationFailedEvent,
} from './cache/events.ts'
export type { CacheOptions } from './cache/options.ts'
export type { CacheRule } from './cache/rule-options.ts'
export type { KeepableResponse } from './cache/settings.ts'
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
export type { ContentDisposition } from './http/content-disposition.ts'
export type {
  Har,
  HarContent,
  HarCookie,
  HarEntry,
  HarPair,
  HarPostData,
  HarRequest,
  HarResponse,
  HarTimings,
} from './http/har/har.ts'
export type { Link } from './http/link.ts'
export { Response } from './http/response.ts'
export { HttpStatusError, type ResponseRequest, type ResponseTimings } from './http/response-head.ts'
export type { SetCookie } from './http/set-cookie.ts'
export { StreamResponse } from './http/stream-response.ts'
export type { AuthOptions } from './middleware/auth-options.ts'
export type { CookieFileOptions, CookieJarLike, CookieOptions } from './middleware/cookie-options.ts'
export type { RetryOptions } from './middleware/retry-options.ts'
export { Ratelimiter } from './ratelimit/index.ts'
export type { LimitOptions } from './ratelimit/option-types.ts'
export type { BatchTarget, RequestObject } from './session/batch-session.ts'
export type { BodyOption, FormOption } from './session/content.ts'
export type { CacheMixinOptions, RatelimitMixinOptions, RatelimitOptions } from './session/feature-options.ts'
export type { HeadersOption, HeaderValue } from './session/fields.ts'
export {
  CacheMixin,
  type Extended,
  type OptionsOf,
  RatelimitMixin,
  type SessionClass,
  type SessionLike,
} from './session/mixins.ts'
export type { RequestRatelimitOptions } from './session/request-options.ts'
export type { SessionBatchOptions, SessionRequestOptions, StreamOptions } from './session/call-options.ts'
export type { HarOptions } from './session/har/har-options.ts'
export { Session } from './session/session.ts'
export type { SessionCache } from './session/session-cache.ts'
export { SessionConfig, type SessionConfigValues } from './session/session-config.ts'
export type { SessionOptions } from './session/session-options.ts'
export type { Params, ParamValue } from './session/target.ts'
export type { TimeoutOption, TimeoutPhases } from './session/timeouts.ts'
export type { Blocking, BlockingResult } from './sync/blocking.ts'
export type { SyncCache } from './sync/sync-cache.ts'
export type { SyncRatelimiter } from './sync/sync-ratelimiter.ts'
export { SyncSession, type SyncSessionOptions } from './sync/sync-session.ts'
export { SyncStreamResponse } from './sync/sync-stream-response.ts'
export type { TlsOptions } from './transport/undici-transport.ts'
