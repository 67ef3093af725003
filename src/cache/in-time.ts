import { alarm, type Clock } from '../core/clock.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import { SessionError, sessionClosed } from '../core/errors.ts'

/** How long an answer is waited for. */
export interface Patience {
  readonly clock: Clock
  /** Undefined: as long as it takes. */
  readonly timeout: Microseconds | undefined
  /** Counts what ends meanwhile: as long as something does, the time begins anew. Default: nothing. */
  readonly progress?: () => number
  /** Ends the waiting with ERR_CLOSED. */
  readonly closing: AbortSignal | undefined
}

/**
 * The answer of a store, if it comes in time.
 * @throws what it fails with; SessionError ERR_BACKEND, ERR_CLOSED
 */
export function inTime<T>(answer: Promise<T>, patience: Patience): Promise<T> {
  const { clock, timeout, progress = () => 0, closing } = patience
  return new Promise((resolve, reject) => {
    const late = (seen: number): void => {
      if (progress() !== seen) return start()
      end(() => reject(notInTime(timeout as Microseconds)))
    }
    const start = (): void => {
      const seen = progress()
      if (timeout !== undefined) timer = alarm(clock, clock.now() + timeout, () => late(seen))
    }
    const onClose = (): void => end(() => reject(sessionClosed()))
    const end = (act: () => void): void => {
      timer?.cancel()
      closing?.removeEventListener('abort', onClose)
      act()
    }
    let timer: ReturnType<typeof alarm> | undefined
    start()
    closing?.addEventListener('abort', onClose, { once: true })
    answer.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    )
  })
}

/** What a call fails with whose answer did not come. */
export function notInTime(timeout: Microseconds): SessionError {
  const span = toMilliseconds(timeout)
  return new SessionError('ERR_BACKEND', `the cache’s store did not answer within ${span} ms`)
}
