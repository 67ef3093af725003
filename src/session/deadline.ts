import { TimeoutError } from '../core/errors.ts'
import type { Microseconds } from '../core/duration.ts'

/** A signal that fires with the caller’s own, or when the total time is up. */
export interface Deadline {
  readonly signal: AbortSignal
  /** The request is over: stops the timer and lets go of the caller’s signal. */
  clear(): void
}

/** Starts the clock of `timeout.total`. The signal’s reason is then a TimeoutError. */
export function startDeadline(
  total: Microseconds,
  caller: AbortSignal | undefined,
  target: string,
): Deadline {
  const controller = new AbortController()
  const milliseconds = total / 1_000
  const expire = (): void =>
    controller.abort(
      new TimeoutError('ERR_TIMEOUT_TOTAL', `${target}: not done within the timeout of ${milliseconds} ms`),
    )
  const timer = setTimeout(expire, milliseconds)
  const onAbort = (): void => controller.abort(caller?.reason)
  if (caller?.aborted === true) onAbort()
  else caller?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer)
      caller?.removeEventListener('abort', onAbort)
    },
  }
}
