import type { LimitKey, Reservations } from '../backends/contract.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import type { Lookout } from './lookouts.ts'
import type { QueueShared } from './queue-shared.ts'
import type { Line, Waiter } from './waiter.ts'
import type { WaitingQueue } from './waiting-queue.ts'

/** The room that an errand is for. */
export interface ErrandRoom extends QueueShared {
  /** The errand is over. */
  done(errand: Errand): void
  /** Opens the queue of a limit, for more than an errand can do. */
  open(key: string, limit: LimitKey): WaitingQueue
}

/**
 * Asks a shared store for the only one who wants units of a key: mostly they are granted, and then no queue is needed,
 * which takes longer to make than the answer does to come. Once somebody else comes, the units are denied, or anything
 * else happens, a queue takes over, with the question if it is under way.
 */
export class Errand implements Line, Lookout {
  readonly key: string
  readonly limit: LimitKey
  readonly #room: ErrandRoom
  readonly #waiter: Waiter
  #reply: Promise<Reservations> | undefined
  #isOver = false
  /** Something changed while the store was asked, so that a denial may be out of date. */
  #isStale = false

  /** Whether all that a waiter wants can be seen to without a queue. */
  static suits({ maxWait, wish }: Waiter, queueCapacity: number): boolean {
    return (maxWait === undefined || maxWait === 0) && wish.cost <= queueCapacity
  }

  constructor(room: ErrandRoom, key: string, limit: LimitKey, waiter: Waiter) {
    this.#room = room
    this.key = key
    this.limit = limit
    this.#waiter = waiter
  }

  /** Goes once those are there who are asked for in the same question: then a queue does that. */
  start(): void {
    const { signal } = this.#waiter.wish
    this.#waiter.line = this
    if (signal !== undefined) this.#room.watch.add(signal, this.#waiter)
    this.#room.slices.soon(() => this.#go())
  }

  /** Leaves what is still to be done to a queue. */
  handOver(): WaitingQueue {
    const reply = this.#reply
    const isStale = this.#isStale
    this.#end()
    const queue = this.#room.open(this.key, this.limit)
    queue.join(this.#waiter, reply)
    if (isStale) queue.pump()
    return queue
  }

  /** The store is away: who does not want to wait at all leaves, for that reason. */
  lost(reason: Error): void {
    if (this.#waiter.maxWait === 0) this.leave(this.#waiter, reason)
  }

  leave(waiter: Waiter, reason: unknown): void {
    this.handOver().leave(waiter, reason)
  }

  pump(): void {
    this.#isStale = true
  }

  hasten(): void {
    this.#isStale = true
  }

  pause(span: Microseconds): void {
    this.handOver().pause(span)
  }

  #go(): void {
    if (this.#isOver) return
    try {
      const reply = this.#room.office.reserveEach(this.limit, [this.#waiter.wish.cost])
      if (!(reply instanceof Promise)) {
        this.#answered(reply)
        return
      }
      // Whoever it is for was turned away while it was asked: the store is away.
      if (this.#isOver) return void reply.then((answer) => this.#giveBack(answer), heardAlready)
      this.#reply = reply
      reply.then(
        (answer) => this.#answered(answer),
        (error: unknown) => this.#failed(error),
      )
    } catch (error) {
      this.#failed(error)
    }
  }

  #answered(reply: Reservations): void {
    if (this.#isOver) return
    const waiter = this.#waiter
    this.#end()
    const [grant] = reply.grants
    if (grant !== undefined) {
      const { office, events } = this.#room
      if (events.isHeard('granted')) {
        const waited = toMilliseconds(office.clock.now() - waiter.cameAt)
        events.tell('granted', { key: this.key, cost: waiter.wish.cost, waited })
      }
      waiter.resolve(office.issue(this.key, this.limit, grant, waiter.wish.hold))
    } else {
      this.#room.open(this.key, this.limit).join(waiter, this.#isStale ? undefined : reply)
    }
  }

  #giveBack({ grants }: Reservations): void {
    for (const grant of grants) this.#room.office.giveBack(this.key, this.limit, grant)
  }

  #failed(error: unknown): void {
    if (this.#isOver) return
    this.#end()
    this.#waiter.reject(error)
  }

  #end(): void {
    const { signal } = this.#waiter.wish
    this.#isOver = true
    if (signal !== undefined) this.#room.watch.remove(signal, this.#waiter)
    this.#room.done(this)
  }
}

/** Who was turned away was told. */
function heardAlready(): void {}
