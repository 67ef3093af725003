export {
  type BrokenServer,
  type BrokenServerOptions,
  brokenServer,
  type Misbehaviour,
  misbehaviours,
} from './broken-server.ts'
export { type CacheStoreTestOptions, type OpenCacheStore, testCacheStore } from './cache-store-contract.ts'
export type { CacheStoreSizes, OpenedCacheStore } from './cache-store-subject.ts'
export { type Arrival, type ArrivalLogging, type Httpbin, httpbin, type HttpbinOptions } from './httpbin.ts'
export { type HttpbinProcess, spawnHttpbin } from './httpbin-process.ts'
export { expectedTime, extractArgs, type MadeTest, makeTest, type MakeTestOptions } from './make-tests.ts'
export { type LimitStoreTestOptions, type OpenLimitStore, testLimitStore } from './limit-store-contract.ts'
export type { OpenedLimitStore } from './limit-store-subject.ts'
export { ManualClock } from './manual-clock.ts'
export {
  gcraRejections,
  rateLimitViolations,
  worstFixedWindow,
  worstRestartedWindow,
  worstWindow,
} from './oracles.ts'
export type { LimitParameters } from './parameters.ts'
export { Random } from './random.ts'
export { type TimedFunction, timed, timer, type TimerOptions, type Timing } from './timer.ts'
export { type DripOptions, type ImageKind, type Query, type UrlName, Urls, type UrlsOptions } from './urls.ts'
