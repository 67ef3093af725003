import type { Microseconds } from '../core/duration.ts'
import { AbortError } from '../core/errors.ts'
import type { Abortable } from './abort-watch.ts'
import type { Linked, LinkedList } from '../core/linked-list.ts'
import type { Ticket } from './ticket.ts'
import type { Wakeup } from './timer-queue.ts'

/** What a waiter wants. */
export interface Wish {
  readonly cost: number
  readonly hold: boolean
  readonly signal: AbortSignal | undefined
  /** The longest wait; zero: now, or not at all; undefined: the limiter’s own. */
  readonly maxWait: Microseconds | undefined
  /** Who has a higher one goes first. */
  readonly priority: number
}

/** Where a waiter has its place. */
export interface Line {
  /** Gives the place up, for the reason that the waiter is told. */
  leave(waiter: Waiter, reason: unknown): void
}

/** Somebody in a queue. It owns no slot, only a place. */
export class Waiter implements Linked<Waiter>, Abortable {
  readonly wish: Wish
  /** The longest wait, if there is one. */
  readonly maxWait: Microseconds | undefined
  /** When it came; 0 when nobody wants to know. */
  readonly cameAt: Microseconds
  /** When it no longer wants to wait; `Infinity` for never. */
  readonly deadlineAt: Microseconds
  readonly granted: Promise<Ticket>
  previous: Waiter | undefined = undefined
  next: Waiter | undefined = undefined
  list: LinkedList<Waiter> | undefined = undefined
  line: Line | undefined = undefined
  /** Set while a deadline can end the wait. */
  deadline: Wakeup | undefined = undefined
  readonly resolve: (ticket: Ticket) => void
  readonly reject: (reason: unknown) => void

  constructor(wish: Wish, maxWait: Microseconds | undefined, cameAt: Microseconds) {
    this.wish = wish
    this.maxWait = maxWait
    this.cameAt = cameAt
    this.deadlineAt = maxWait === undefined ? Number.POSITIVE_INFINITY : cameAt + maxWait
    const { promise, resolve, reject } = Promise.withResolvers<Ticket>()
    this.granted = promise
    this.resolve = resolve
    this.reject = reject
  }

  /** Whether a grant at `at` would come too late. */
  isTooLate(at: Microseconds): boolean {
    return this.deadlineAt < at
  }

  abort(signal: AbortSignal): void {
    this.line?.leave(this, new AbortError(signal))
  }
}
