import type { Clock, Timer } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'

/** A clock that goes where it is put, back too: what a store meets whose machine’s time is set. */
export class SteppedClock implements Clock {
  at: Microseconds

  constructor(at: Microseconds) {
    this.at = at
  }

  now(): Microseconds {
    return this.at
  }

  wallNow(): Microseconds {
    return this.at
  }

  /** Nothing that answers at once sets one. */
  timer(): Timer {
    throw new Error('a limit store set a timer while nothing was in its way')
  }
}
