import { alarm, type Clock } from '../core/clock.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import { AbortError, TimeoutError } from '../core/errors.ts'
import type { Reply } from '../core/reply.ts'

/** A signal that fires with the caller’s own, or when the total time is up. */
export interface Deadline {
  readonly signal: AbortSignal
  /** The head is in: from now on a connection keeps the process alive, as long as there is one, and not this timer. */
  relax(): void
  /** The request is over: stops the timer and lets go of the caller’s signal. */
  clear(): void
}

/** Sets the alarm of `timeout.total`. The signal’s reason is then a TimeoutError. */
export function startDeadline(
  clock: Clock,
  total: Microseconds,
  caller: AbortSignal | undefined,
  target: string,
): Deadline {
  const controller = new AbortController()
  const at = clock.now() + total
  const message = `${target}: not done within the timeout of ${toMilliseconds(total)} ms`
  const onAbort = (): void => controller.abort(caller?.reason)
  const clear = (): void => {
    timer.cancel()
    caller?.removeEventListener('abort', onAbort)
  }
  const expire = (): void => {
    clear()
    controller.abort(new TimeoutError('ERR_TIMEOUT_TOTAL', message))
  }
  let timer = alarm(clock, at, expire)
  if (caller?.aborted === true) onAbort()
  else caller?.addEventListener('abort', onAbort, { once: true })
  const relax = (): void => {
    timer.cancel()
    timer = alarm(clock, at, expire, false)
  }
  return { signal: controller.signal, relax, clear }
}

/** Layers below only see a signal; when it fired because the time was up, that is the reason. */
export function reasonOf(error: unknown): unknown {
  return error instanceof AbortError && error.cause instanceof TimeoutError ? error.cause : error
}

/** The reply with a deadline that holds until its content was read, or is not wanted any more. */
export function untilRead(reply: Reply, deadline: Deadline | undefined): Reply {
  if (deadline === undefined || reply.stream === undefined) return reply
  deadline.relax()
  return { ...reply, stream: new TimedStream(reply.stream, deadline) }
}

/** Not a generator: closing one that nobody has read from would close nothing. */
class TimedStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array, undefined>
  readonly #deadline: Deadline

  constructor(source: AsyncIterable<Uint8Array>, deadline: Deadline) {
    this.#source = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>
    this.#deadline = deadline
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const result = await this.#source.next()
      if (result.done === true) this.#deadline.clear()
      return result
    } catch (error) {
      this.#deadline.clear()
      throw reasonOf(error)
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#deadline.clear()
    await this.#source.return?.()
    return { done: true, value: undefined }
  }
}
