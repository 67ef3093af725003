import type { Batch } from '../batch/batch.ts'
import type { StreamResponse } from '../http/stream-response.ts'
import type { Ratelimiter } from '../ratelimit/ratelimiter.ts'
import type { SessionCache } from '../session/session-cache.ts'

/** What only makes sense where something can be awaited; `fetch` is the platform’s, whose result is a promise. */
type AsyncOnly = typeof Symbol.asyncDispose | typeof Symbol.asyncIterator | 'body' | 'fetch'

/** What a blocking method returns in the place of a promise, a batch, or an asynchronous iterator. */
export type BlockingResult<Result> =
  Result extends Batch<infer Response>
    ? Response[]
    : Result extends AsyncGenerator<infer Item>
      ? Generator<Item, void, undefined>
      : Result extends Promise<infer Value>
        ? BlockingValue<Value>
        : BlockingValue<Result>

/**
 * A limiter that blocks. It has no `on`: listeners would hear of a grant or a pause only when the thread that they block
 * is done, which is too late to do anything about it. Who has to listen uses Session. Nor `dismiss`: nobody else waits.
 */
export type BlockingRatelimiter = Omit<Blocking<Ratelimiter>, 'wrap' | 'acquireChecked' | 'on' | 'dismiss'>

/** A cache that blocks. */
export type BlockingCache = Blocking<SessionCache>

/** What is itself asynchronous is given as its blocking likeness. */
type BlockingValue<Value> = Value extends StreamResponse
  ? Omit<Blocking<StreamResponse>, 'json'>
  : Value extends SessionCache
    ? BlockingCache
    : Value extends Ratelimiter
      ? BlockingRatelimiter
      : Value

/**
 * A class’s public face with results in the place of promises. The blocking classes implement it, so that whatever is
 * added to the asynchronous ones, or changed in them, has to be done there too before anything compiles.
 */
export type Blocking<Face> = {
  [Name in keyof Face as Exclude<Name, AsyncOnly>]: Face[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => BlockingResult<Result>
    : BlockingValue<Face[Name]>
}
