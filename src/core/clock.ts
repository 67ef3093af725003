import type { Microseconds } from './duration.ts'
import { AbortError } from './errors.ts'

/** A pending timer. */
export interface Timer {
  /** Stops it; nothing happens when it has fired already. */
  cancel(): void
}

/**
 * The one source of time, injected everywhere. Instants are integer microseconds.
 * `now` never goes backwards and is only good for comparing with itself; `wallNow` is the calendar.
 */
export interface Clock {
  /** Monotonic instant: microseconds since about the Unix epoch, by the calendar as it was when the process started. */
  now(): Microseconds
  /** Calendar instant, microseconds since the Unix epoch; may step. */
  wallNow(): Microseconds
  /** Calls `fire` at or after `at`; may fire early, so look at `now` again. Does not keep the process alive unless `keepAlive`. */
  timer(at: Microseconds, fire: () => void, keepAlive?: boolean): Timer
}

/** The longest delay that `setTimeout` takes: 2^31 - 1 ms; a longer one would fire at once. */
const longestDelay = 2_147_483_647

/** Looked up once: the global is a getter, and most calls of a limiter read the clock. */
const { performance, setTimeout, clearTimeout } = globalThis

/** The calendar as it was when the process started. */
const origin = performance.timeOrigin * 1_000

/**
 * The machine’s clock. Whoever fakes the platform’s time after this module was loaded changes only its calendar: instants
 * and timers stay together, and real. To have all of it by hand, give a clock of your own.
 */
export const systemClock: Clock = {
  now: () => Math.floor(origin + performance.now() * 1_000),
  wallNow: () => Date.now() * 1_000,
  timer(at, fire, keepAlive = true) {
    const delay = Math.ceil((at - systemClock.now()) / 1_000)
    const handle = setTimeout(fire, Math.min(Math.max(delay, 0), longestDelay))
    if (!keepAlive) handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Calls `fire` once, at or after `at` and never before: however long that is, a clock’s timer may be early. */
export function alarm(clock: Clock, at: Microseconds, fire: () => void, keepAlive = true): Timer {
  const look = (): void => {
    if (clock.now() < at) timer = clock.timer(at, look, keepAlive)
    else fire()
  }
  let timer = clock.timer(at, look, keepAlive)
  return { cancel: () => timer.cancel() }
}

/**
 * Waits until `at`.
 * @throws AbortError as soon as the signal fires
 */
export function sleepUntil(clock: Clock, at: Microseconds, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new AbortError(signal))
      return
    }
    let timer: Timer
    const onAbort = (): void => {
      timer.cancel()
      reject(new AbortError(signal as AbortSignal))
    }
    const look = (): void => {
      if (clock.now() < at) {
        timer = clock.timer(at, look)
        return
      }
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    look()
  })
}
