import type { Grant } from '../algorithms/rule.ts'
import type { LimitKey, MaybePromise, Reservations } from '../backends/contract.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import { AbortError, RatelimitError } from '../core/errors.ts'
import { Lanes } from './lanes.ts'
import type { Lookout } from './lookouts.ts'
import { NextLook } from './next-look.ts'
import { type Judged, Patience } from './patience.ts'
import { lossOf } from './resilient-store.ts'
import type { QueueShared } from './queue-shared.ts'
import { Vigil } from './vigil.ts'
import type { Waiter } from './waiter.ts'
import { WaitingNews } from './waiting-news.ts'

/** Most waiters that one question is for. */
const longestQuestion = 1_000

/** What the store was asked, and what it answers. */
type Question = Readonly<{ chosen: readonly Waiter[]; reply: MaybePromise<Reservations> | undefined }>

/**
 * Those who wait on one key. The queue asks for slots when their time has come, once for as many of the
 * first ones as may be served in one go; so a waiter that leaves wastes none. Between two looks it sleeps as
 * long as the store said. With a store that answers at once nothing here is asynchronous, unless it is shared: then
 * whoever comes in one turn of the event loop is asked for together.
 */
export class WaitingQueue implements Judged, Lookout {
  readonly limit: LimitKey
  readonly lanes = new Lanes()
  readonly #shared: QueueShared
  readonly #key: string
  readonly #patience: Patience
  readonly #news: WaitingNews
  readonly #nextLook: NextLook
  readonly #vigil: Vigil
  /** Units in one question: so few that limiters in several processes take turns. */
  readonly #share: number
  /** The store is being asked, or about to be; there is never more than one question under way. */
  #busy = false
  /** Something changed while the store was asked, so that a denial may be out of date. */
  #stale = false

  constructor(shared: QueueShared, key: string, limit: LimitKey) {
    const { office, events, timers, sleepDuration } = shared
    this.#shared = shared
    this.#key = key
    this.limit = limit
    this.#patience = new Patience(this, office.store, office.clock)
    this.#news = new WaitingNews(events, office.clock, this.lanes, key)
    this.#nextLook = new NextLook({
      clock: office.clock,
      timers,
      isShared: office.isShared,
      doubt: office.isShared ? office.terms.span : 0,
      sleepDuration,
      look: () => office.lookouts.look(limit.key),
    })
    this.#vigil = new Vigil(timers, office.clock, this.lanes)
    this.#share = Math.max(1, Math.ceil(limit.rule.capacity / 4))
  }

  /** When the first one’s turn is looked at next; undefined while that is not known. */
  get lookAt(): Microseconds | undefined {
    return this.#nextLook.at
  }

  /** How many wait. */
  get size(): number {
    return this.lanes.size
  }

  /**
   * Takes a place behind all of its priority.
   * @param answer what the store has answered to this very wish, when it was asked already
   */
  join(waiter: Waiter, answer?: MaybePromise<Reservations>): void {
    const { maxWait } = waiter
    const { cost, signal } = waiter.wish
    const { office } = this.#shared
    if (!this.#busy && this.lanes.units + cost > this.#shared.queueCapacity) {
      waiter.reject(this.#refusal(waiter, this.#nextLook.wait))
      return
    }
    waiter.line = this
    this.lanes.add(waiter)
    this.#vigil.look()
    this.#news.add(waiter)
    if (this.lanes.head === waiter) this.#look(waiter, answer)
    else if (maxWait !== undefined) this.#patience.add(waiter)
    if (!this.#busy) this.#rest()
    if (waiter.list === undefined) return
    if (signal !== undefined) this.#shared.watch.add(signal, waiter)
    // Zero is decided by the store’s answer alone. One microsecond later, so that a slot at the very deadline is taken.
    if (maxWait !== undefined && maxWait > 0) {
      waiter.deadline = this.#shared.timers.schedule(waiter.deadlineAt + 1, () => {
        this.leave(waiter, lossOf(office.store, this.limit) ?? this.#refusal(waiter, this.#nextLook.wait))
      })
    }
  }

  leave(waiter: Waiter, reason: unknown): void {
    const wasFirst = waiter === this.lanes.head
    this.#turnAway(waiter, reason)
    // The next one may want less, and have it now.
    if (wasFirst) this.pump()
  }

  refuse(waiter: Waiter, wait: Microseconds): void {
    this.leave(waiter, this.#refusal(waiter, wait))
  }

  /** Everybody leaves. */
  dismiss(reason: Error): void {
    for (let first = this.lanes.head; first !== undefined; first = this.lanes.head) {
      this.#turnAway(first, reason)
    }
    this.pump()
  }

  /** The store is away: those who do not want to wait at all leave, for that reason. */
  lost(reason: Error): void {
    for (const waiter of [...this.lanes]) if (waiter.maxWait === 0) this.#turnAway(waiter, reason)
  }

  /** Grants what can be granted now, then sleeps until the first one’s turn. */
  pump(): void {
    if (this.#busy) this.#stale = true
    else this.#serve()
  }

  hasten(): void {
    if (this.#shared.office.isShared) this.#nextLook.hasten(this.#busy)
    else this.pump()
  }

  pause(span: Microseconds): void {
    const endAt = this.#shared.office.clock.now() + span
    for (const waiter of [...this.lanes]) {
      if (waiter.isTooLate(endAt)) this.#turnAway(waiter, this.#refusal(waiter, span))
    }
    this.pump()
  }

  /** Somebody new is the first. */
  #look(waiter: Waiter, answer: MaybePromise<Reservations> | undefined): void {
    if (answer !== undefined) this.#serve({ chosen: [waiter], reply: answer })
    else if (this.#shared.office.isShared) this.#serveLater('soon')
    else this.pump()
  }

  /** Whoever comes until then is asked for in the same question. */
  #serveLater(when: 'soon' | 'inNextTurn'): void {
    if (this.#busy) return
    this.#busy = true
    this.#shared.slices[when](() => this.#serve())
  }

  /** @param question what the store was asked already */
  #serve(question?: Question): void {
    this.#busy = true
    const { isShared } = this.#shared.office
    for (let asked = question; this.lanes.size > 0; asked = undefined) {
      const { chosen, reply } = asked ?? this.#ask()
      if (reply instanceof Promise) {
        void this.#await(chosen, reply)
        return
      }
      if (reply !== undefined && this.#deal(chosen, reply)) break
      if (isShared && this.lanes.size > 0) {
        // One transaction in a turn of the event loop, so that nobody else waits for all of them.
        this.#busy = false
        this.#serveLater('inNextTurn')
        return
      }
    }
    this.#busy = false
    this.#rest()
  }

  async #await(chosen: readonly Waiter[], reply: Promise<Reservations>): Promise<void> {
    let isAsleep = false
    this.#vigil.begin()
    try {
      isAsleep = this.#deal(chosen, await reply)
    } catch (error) {
      // The next ones are asked for in a question of their own, and told if the store fails them too.
      for (const waiter of chosen) if (waiter.list !== undefined) this.#turnAway(waiter, error)
    }
    this.#vigil.end()
    this.#busy = false
    if (isAsleep) this.#rest()
    else this.pump()
  }

  /** The first ones, as many as one question is for, without those that are aborted just now. */
  #choose(): readonly Waiter[] {
    const first = this.lanes.first(this.#share, longestQuestion)
    const isGone = ({ wish }: Waiter): boolean => wish.signal?.aborted === true
    if (!first.some(isGone)) return first
    for (const waiter of first) {
      if (isGone(waiter)) this.#turnAway(waiter, new AbortError(waiter.wish.signal as AbortSignal))
    }
    return first.filter(({ list }) => list !== undefined)
  }

  /** There is no reply when there was nobody to ask for, or the store threw, which the chosen ones are told. */
  #ask(): Question {
    const chosen = this.#choose()
    if (chosen.length === 0) return { chosen, reply: undefined }
    const { office } = this.#shared
    this.#patience.changed()
    this.#stale = false
    this.#nextLook.asking()
    const costs = chosen.map(({ wish }) => wish.cost)
    try {
      return { chosen, reply: office.reserveEach(this.limit, costs) }
    } catch (error) {
      for (const waiter of chosen) this.#turnAway(waiter, error)
      return { chosen, reply: undefined }
    }
  }

  /** Hands out what was granted; then turns away who cannot wait as long as was said. @returns whether the queue sleeps now */
  #deal(chosen: readonly Waiter[], { grants, denial }: Reservations): boolean {
    for (const grant of grants) this.#handOut(grant)
    if (grants.length > 0) this.#shared.office.lookouts.served(this.limit.key, this)
    if (denial === undefined || this.#stale) return false
    // What was said to one holds for whoever is first by now and wants no less.
    const { cost } = (chosen[grants.length] as Waiter).wish
    const turnAt = this.#shared.office.clock.now() + denial.retryAfter
    for (
      let first = this.lanes.head;
      first !== undefined && first.wish.cost >= cost;
      first = this.lanes.head
    ) {
      if (!first.isTooLate(turnAt)) {
        this.#nextLook.after(denial)
        return true
      }
      this.#turnAway(first, this.#refusal(first, denial.retryAfter))
    }
    return false
  }

  /** To the first one that wants just that; when everybody like that has left, it goes back. */
  #handOut(grant: Grant): void {
    const { office, events } = this.#shared
    const waiter = this.lanes.wanting(grant.cost, longestQuestion)
    if (waiter === undefined) {
      office.giveBack(this.#key, this.limit, grant)
      return
    }
    this.#remove(waiter)
    if (events.isHeard('granted')) {
      const waited = toMilliseconds(office.clock.now() - waiter.cameAt)
      events.tell('granted', { key: this.#key, cost: grant.cost, waited })
    }
    waiter.resolve(office.issue(this.#key, this.limit, grant, waiter.wish.hold))
  }

  /** The store is not being asked: those who wait now have to, and nobody waits is the end of the queue. */
  #rest(): void {
    while (this.lanes.units > this.#shared.queueCapacity) {
      const last = this.lanes.tail as Waiter
      this.#turnAway(last, this.#refusal(last, this.#nextLook.wait))
    }
    this.#patience.judge()
    if (this.lanes.size > 0) {
      this.#news.tell(this.lookAt)
      return
    }
    this.#nextLook.cancel()
    this.#shared.idle(this.limit)
  }

  #refusal({ wish }: Waiter, wait: Microseconds): RatelimitError {
    const retryAfter = toMilliseconds(wait)
    const { events } = this.#shared
    if (events.isHeard('denied')) events.tell('denied', { key: this.#key, cost: wish.cost, retryAfter })
    return new RatelimitError(this.#key, retryAfter)
  }

  #turnAway(waiter: Waiter, reason: unknown): void {
    this.#remove(waiter)
    waiter.reject(reason)
  }

  #remove(waiter: Waiter): void {
    this.lanes.remove(waiter)
    this.#vigil.look()
    this.#patience.left(waiter)
    this.#news.left(waiter)
    const { watch, timers } = this.#shared
    if (waiter.wish.signal !== undefined) watch.remove(waiter.wish.signal, waiter)
    if (waiter.deadline !== undefined) timers.cancel(waiter.deadline)
  }
}
