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
    if (queue === undefined) this.#queues.set(limit.key, (queue = new WaitingQueue(this, key, limit)))
    return queue
  }

  idle(limit: LimitKey): void {
    this.#queues.delete(limit.key)
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

  /** Looks again on every key, after limits were forgotten. */
  pump(): void {
    for (const queue of this.#queues.values()) queue.pump()
  }

  /** Everybody leaves. */
  dismiss(reason: Error): void {
    for (const queue of this.#queues.values()) queue.dismiss(reason)
  }
}
