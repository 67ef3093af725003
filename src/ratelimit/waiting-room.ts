import type { LimitKey } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { AbortWatch } from './abort-watch.ts'
import type { TicketOffice } from './ticket-office.ts'
import { TimerQueue } from './timer-queue.ts'
import { type QueueShared, WaitingQueue } from './waiting-queue.ts'

/** All queues of one limiter: one per key that somebody waits on, none for the others. */
export class WaitingRoom implements QueueShared {
  readonly office: TicketOffice
  readonly timers: TimerQueue
  readonly watch = new AbortWatch()
  readonly queueCapacity: number
  readonly #queues = new Map<string, WaitingQueue>()

  constructor(office: TicketOffice, queueCapacity: number) {
    this.office = office
    this.timers = new TimerQueue(office.clock)
    this.queueCapacity = queueCapacity
  }

  /** The queue for a limit, if there is one. */
  find(limit: LimitKey): WaitingQueue | undefined {
    return this.#queues.get(limit.key)
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
