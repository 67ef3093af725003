import type { LimitKey, MaybePromise, Reservation } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { toMilliseconds } from '../core/duration.ts'
import { AbortError, RatelimitError } from '../core/errors.ts'
import type { AbortWatch } from './abort-watch.ts'
import { LinkedList } from './linked-list.ts'
import type { TicketOffice } from './ticket-office.ts'
import type { TimerQueue, Wakeup } from './timer-queue.ts'
import type { Line, Waiter } from './waiter.ts'

/** What the queues of one limiter share. */
export interface QueueShared {
  readonly office: TicketOffice
  readonly timers: TimerQueue
  readonly watch: AbortWatch
  /** Units that may wait on one key; more are refused. */
  readonly queueCapacity: number
  /** To be told when nobody waits for this limit any more. */
  idle(limit: LimitKey): void
}

/**
 * Those who wait on one key, first come first served. The queue asks for slots, one at a time, for
 * whoever is first when the slot comes: so a waiter that leaves wastes none. Between two looks it
 * sleeps exactly as long as the store said. With a store that answers at once nothing here is
 * asynchronous.
 */
export class WaitingQueue implements Line {
  readonly #shared: QueueShared
  readonly #key: string
  readonly #limit: LimitKey
  readonly #waiters = new LinkedList<Waiter>()
  #units = 0
  #wakeup: Wakeup | undefined
  /** The store is being asked; there is never more than one question under way. */
  #busy = false
  /** Something changed while the store was asked, so that a denial may be out of date. */
  #stale = false
  /** Counts the questions and the departures: what was estimated before one of them is out of date. */
  #changes = 0
  /** Those in a hurry of whom it is not known yet whether they can be served in time, in order. */
  readonly #unjudged: Waiter[] = []
  /** An estimate is being waited for. */
  #judging = false

  constructor(shared: QueueShared, key: string, limit: LimitKey) {
    this.#shared = shared
    this.#key = key
    this.#limit = limit
  }

  /** When the first one's turn is looked at next; undefined while that is not known. */
  get lookAt(): Microseconds | undefined {
    return this.#wakeup?.at
  }

  /** How many wait. */
  get size(): number {
    return this.#waiters.size
  }

  /**
   * Takes a place at the end.
   * @param answer what the store has answered to this very wish, when it was asked already
   */
  join(waiter: Waiter, answer?: MaybePromise<Reservation>): void {
    const ahead = this.#units
    const { maxWait } = waiter
    const { cost, signal } = waiter.wish
    if (ahead + cost > this.#shared.queueCapacity) {
      waiter.reject(this.#refusal(this.#untilTurn()))
      return
    }
    waiter.line = this
    this.#waiters.insert(waiter, this.#waiters.tail)
    this.#units += cost
    if (ahead === 0) this.pump(answer)
    else if (maxWait !== undefined) {
      this.#unjudged.push(waiter)
      this.#judge()
    }
    if (waiter.list === undefined) return
    if (signal !== undefined) this.#shared.watch.add(signal, waiter)
    // Zero is decided by the store’s answer alone. One microsecond later, so that a slot at the very deadline is taken.
    if (maxWait !== undefined && maxWait > 0) {
      waiter.deadline = this.#shared.timers.schedule(waiter.deadlineAt + 1, () => {
        this.leave(waiter, this.#refusal(this.#untilTurn()))
      })
    }
  }

  leave(waiter: Waiter, reason: unknown): void {
    const wasFirst = waiter === this.#waiters.head
    this.#turnAway(waiter, reason)
    // The next one may want less, and have it now.
    if (wasFirst) this.pump()
  }

  /** Everybody leaves. */
  dismiss(reason: Error): void {
    for (let first = this.#waiters.head; first !== undefined; first = this.#waiters.head) {
      this.#turnAway(first, reason)
    }
    this.pump()
  }

  /**
   * Grants what can be granted now, then sleeps until the first one’s turn.
   * @param answer the store’s answer for the first one, when it was asked already
   */
  pump(answer?: MaybePromise<Reservation>): void {
    if (this.#busy) {
      this.#stale = true
      return
    }
    this.#busy = true
    this.#busy = this.#serve(answer) === 'asking'
    this.#judge()
  }

  #serve(answer: MaybePromise<Reservation> | undefined): 'asking' | 'asleep' | 'idle' {
    for (let first = this.#waiters.head; first !== undefined; first = this.#waiters.head) {
      const reply = answer ?? this.#ask(first)
      answer = undefined
      if (reply === undefined) continue
      if (reply instanceof Promise) {
        void this.#await(reply, first)
        return 'asking'
      }
      if (reply.allowed) {
        this.#remove(first)
        this.#shared.office.lookouts.served(this.#limit.key, this)
        first.resolve(this.#shared.office.issue(this.#key, this.#limit, reply.grant, first.wish.hold))
      } else if (this.#tooLate(first, reply.retryAfter)) {
        this.#turnAway(first, this.#refusal(reply.retryAfter))
      } else {
        this.#sleep(reply.retryAfter)
        return 'asleep'
      }
    }
    if (this.#wakeup !== undefined) this.#shared.timers.cancel(this.#wakeup)
    this.#shared.idle(this.#limit)
    return 'idle'
  }

  /** Undefined when there was nothing to ask: the waiter is aborted just now, or the store threw, which it is told. */
  #ask(waiter: Waiter): MaybePromise<Reservation> | undefined {
    const { cost, signal } = waiter.wish
    this.#changes++
    try {
      if (signal?.aborted !== true) return this.#shared.office.reserve(this.#limit, cost)
      this.#turnAway(waiter, new AbortError(signal))
    } catch (error) {
      this.#turnAway(waiter, error)
    }
    return undefined
  }

  async #await(reply: Promise<Reservation>, asker: Waiter): Promise<void> {
    this.#stale = false
    let answer: Reservation | undefined
    try {
      answer = this.#current(await reply, asker.wish.cost)
    } catch (error) {
      // Whoever is first now asks for itself, and is told if the store fails it too.
      if (asker.list !== undefined) this.#turnAway(asker, error)
    }
    this.#busy = false
    this.pump(answer)
  }

  /** The answer, if it is one for whoever is first by now; units that nobody wants like that are given back. */
  #current(answer: Reservation, cost: number): Reservation | undefined {
    const suits = this.#waiters.head?.wish.cost === cost
    if (!answer.allowed) return suits && !this.#stale ? answer : undefined
    if (suits) return answer
    this.#shared.office.issue(this.#key, this.#limit, answer.grant, false).release()
    return undefined
  }

  #sleep(retryAfter: Microseconds): void {
    const { timers, office } = this.#shared
    const at = office.clock.now() + retryAfter
    if (this.#wakeup === undefined)
      this.#wakeup = timers.schedule(at, () => office.lookouts.look(this.#limit.key))
    else timers.move(this.#wakeup, at)
  }

  /**
   * Turns those away who cannot be served in time, as far as can be known from the units ahead of them.
   * The first one is judged by the store’s answer to it.
   */
  #judge(): void {
    if (this.#busy || this.#judging) return
    for (let waiter = this.#unjudged.shift(); waiter !== undefined; waiter = this.#unjudged.shift()) {
      if (waiter.list === undefined || waiter === this.#waiters.head) continue
      const wait = this.#shared.office.store.estimate(
        this.#limit,
        waiter.wish.cost,
        this.#unitsBefore(waiter),
      )
      if (wait instanceof Promise) {
        void this.#judgeLater(waiter, wait)
        return
      }
      if (this.#tooLate(waiter, wait)) this.leave(waiter, this.#refusal(wait))
    }
  }

  async #judgeLater(waiter: Waiter, estimate: Promise<Microseconds>): Promise<void> {
    this.#judging = true
    const changes = this.#changes
    try {
      const wait = await estimate
      if (this.#changes !== changes) this.#unjudged.unshift(waiter)
      else if (this.#tooLate(waiter, wait)) this.leave(waiter, this.#refusal(wait))
    } catch (error) {
      if (waiter.list !== undefined) this.leave(waiter, error)
    }
    this.#judging = false
    this.#judge()
  }

  /** Counted from the end: it is mostly the last one who is judged. */
  #unitsBefore(waiter: Waiter): number {
    let units = this.#units
    for (let from: Waiter | undefined = waiter; from !== undefined; from = from.next) units -= from.wish.cost
    return units
  }

  #tooLate(waiter: Waiter, wait: Microseconds): boolean {
    return waiter.deadlineAt < this.#shared.office.clock.now() + wait
  }

  /** Until the first one’s turn: nobody’s is earlier. */
  #untilTurn(): Microseconds {
    const at = this.#wakeup?.at ?? 0
    return Math.max(0, at - this.#shared.office.clock.now())
  }

  #refusal(wait: Microseconds): RatelimitError {
    return new RatelimitError(this.#key, toMilliseconds(wait))
  }

  #turnAway(waiter: Waiter, reason: unknown): void {
    this.#remove(waiter)
    waiter.reject(reason)
  }

  #remove(waiter: Waiter): void {
    this.#waiters.remove(waiter)
    this.#changes++
    this.#units -= waiter.wish.cost
    const { watch, timers } = this.#shared
    if (waiter.wish.signal !== undefined) watch.remove(waiter.wish.signal, waiter)
    if (waiter.deadline !== undefined) timers.cancel(waiter.deadline)
  }
}
