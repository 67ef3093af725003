import type { LimitKey } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { SmallMap } from '../core/small-map.ts'
import { AbortWatch } from './abort-watch.ts'
import { Errand, type ErrandRoom } from './errand.ts'
import type { LimiterEvents } from './events.ts'
import type { TicketOffice } from './ticket-office.ts'
import { Slices } from './slices.ts'
import { TimerQueue } from './timer-queue.ts'
import type { QueueShared } from './queue-shared.ts'
import type { Waiter } from './waiter.ts'
import { WaitingQueue } from './waiting-queue.ts'

/** What a waiting room works with; see {@link QueueShared}. */
export type WaitingRoomOptions = Pick<QueueShared, 'office' | 'events' | 'queueCapacity' | 'sleepDuration'>

/**
 * All who wait on one limiter: in a queue for each key that somebody waits on, or on an errand where a shared store is
 * asked for one alone.
 */
export class WaitingRoom implements ErrandRoom {
  readonly office: TicketOffice
  readonly timers: TimerQueue
  readonly slices: Slices
  readonly watch = new AbortWatch()
  readonly events: LimiterEvents
  readonly queueCapacity: number
  readonly sleepDuration: Microseconds
  readonly #queues = new Map<string, WaitingQueue>()
  readonly #errands = new SmallMap<Errand>()

  constructor({ office, events, queueCapacity, sleepDuration }: WaitingRoomOptions) {
    this.office = office
    this.timers = new TimerQueue(office.clock)
    this.slices = new Slices(office.clock, office.store.answersAtOnce)
    this.events = events
    this.queueCapacity = queueCapacity
    this.sleepDuration = sleepDuration
  }

  /** The queue for a limit, if there is one. */
  find(limit: LimitKey): WaitingQueue | undefined {
    // Before the key's text is hashed: most of the time nobody waits at all.
    return this.#queues.size === 0 ? undefined : this.#queues.get(limit.key)
  }

  /** How many wait for a limit. */
  sizeOf(limit: LimitKey): number {
    return this.#errands.has(limit.key) ? 1 : (this.#queues.get(limit.key)?.size ?? 0)
  }

  /** Lets somebody wait on a limit of a shared store; `key` is what its user calls it. */
  enter(key: string, limit: LimitKey, waiter: Waiter): void {
    const errand = this.#errands.get(limit.key)
    if (errand !== undefined) errand.handOver().join(waiter)
    else if (this.#queues.has(limit.key) || !Errand.suits(waiter, this.queueCapacity)) {
      this.open(key, limit).join(waiter)
    } else this.#send(new Errand(this, key, limit, waiter))
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

  done(errand: Errand): void {
    const { key } = errand.limit
    this.#errands.delete(key)
    this.office.lookouts.remove(key, errand)
  }

  /** How many wait, on all keys. */
  get size(): number {
    let size = this.#errands.size
    for (const queue of this.#queues.values()) size += queue.size
    return size
  }

  /** The earliest instant at which somebody may be granted units; undefined when nobody waits. */
  get lookAt(): Microseconds | undefined {
    const instants = [...this.#queues.values()].flatMap(({ lookAt }) => lookAt ?? [])
    return instants.length === 0 ? undefined : Math.min(...instants)
  }

  /** The store is away: those who do not want to wait at all leave, for that reason. */
  lost(reason: Error, { key }: LimitKey): void {
    this.#errands.get(key)?.lost(reason)
    this.#queues.get(key)?.lost(reason)
  }

  /** Everybody leaves. */
  dismiss(reason: Error): void {
    for (const errand of this.#errands.values()) errand.handOver()
    for (const queue of this.#queues.values()) queue.dismiss(reason)
  }

  #send(errand: Errand): void {
    const { key } = errand.limit
    this.#errands.set(key, errand)
    this.office.lookouts.add(key, errand)
    errand.start()
  }
}
