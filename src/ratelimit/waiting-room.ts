import type { LimitKey } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { AbortWatch } from './abort-watch.ts'
import type { LimiterEvents } from './events.ts'
import type { TicketOffice } from './ticket-office.ts'
import { Slices } from './slices.ts'
import { TimerQueue } from './timer-queue.ts'
import type { QueueShared } from './queue-shared.ts'
import { WaitingQueue } from './waiting-queue.ts'

/** What a waiting room works with; see {@link QueueShared}. */
export type WaitingRoomOptions = Pick<QueueShared, 'office' | 'events' | 'queueCapacity' | 'sleepDuration'>

/** All queues of one limiter: one per key that somebody waits on, none for the others. */
export class WaitingRoom implements QueueShared {
  readonly office: TicketOffice
  readonly timers: TimerQueue
  readonly slices: Slices
  readonly watch = new AbortWatch()
  readonly events: LimiterEvents
  readonly queueCapacity: number
  readonly sleepDuration: Microseconds
  readonly #queues = new Map<string, WaitingQueue>()

  constructor({ office, events, queueCapacity, sleepDuration }: WaitingRoomOptions) {
    this.office = office
    this.timers = new TimerQueue(office.clock)
    this.slices = new Slices(office.clock)
    this.events = events
    this.queueCapacity = queueCapacity
    this.sleepDuration = sleepDuration
  }

  /** The queue for a limit, if there is one. */
  find(limit: LimitKey): WaitingQueue | undefined {
    // Before the key's text is hashed: most of the time nobody waits at all.
    return this.#queues.size === 0 ? undefined : this.#queues.get(limit.key)
  }

  /** The queue for a limit, opened if there was none; `key` is what its user calls it. */
  open(key: string, limit: LimitKey): WaitingQueue {
    let queue = this.#queues.get(limit.key)
    if (queue === undefined) {
      queue = new WaitingQueue(this, key, limit)
      this.#queues.set(limit.key, queue)
      this.office.lookouts.add(limit.key, queue)
    }
    return queue
  }

  idle(limit: LimitKey): void {
    const queue = this.#queues.get(limit.key)
    if (queue === undefined) return
    this.#queues.delete(limit.key)
    this.office.lookouts.remove(limit.key, queue)
  }

  /** How many wait, on all keys. */
  get size(): number {
    let size = 0
    for (const queue of this.#queues.values()) size += queue.size
    return size
  }

  /** The earliest instant at which somebody may be granted units; undefined when nobody waits. */
  get lookAt(): Microseconds | undefined {
    const instants = [...this.#queues.values()].flatMap(({ lookAt }) => lookAt ?? [])
    return instants.length === 0 ? undefined : Math.min(...instants)
  }

  /** Everybody leaves. */
  dismiss(reason: Error): void {
    for (const queue of this.#queues.values()) queue.dismiss(reason)
  }
}
