import type { LimitKey } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import type { AbortWatch } from './abort-watch.ts'
import type { LimiterEvents } from './events.ts'
import type { TicketOffice } from './ticket-office.ts'
import type { Slices } from './slices.ts'
import type { TimerQueue } from './timer-queue.ts'

/** What the queues of one limiter share. */
export interface QueueShared {
  readonly office: TicketOffice
  readonly timers: TimerQueue
  /** Questions of all of them, if others reserve of the store too. */
  readonly slices: Slices
  readonly watch: AbortWatch
  readonly events: LimiterEvents
  /** Units that may wait on one key; more are refused. */
  readonly queueCapacity: number
  /** The shortest pause between two looks at a store that others reserve of too. */
  readonly sleepDuration: Microseconds
  /** To be told when nobody waits for this limit any more. */
  idle(limit: LimitKey): void
}
