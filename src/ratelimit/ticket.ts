import { type Grant, isLast, type LastProgress, type Progress } from '../algorithms/rule.ts'
import type { LimitKey, LimitStore, MaybePromise } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import type { ExchangeObserver } from '../core/request.ts'
import type { Custody, HeldTicket } from './custody.ts'
import type { LeaseTerms } from './lease-terms.ts'
import type { LinkedList } from '../core/linked-list.ts'

/**
 * Units that were granted. They count from the grant; who knows when they reached the server may say
 * so, and the limit then counts from there. Instants are microseconds of the limiter’s clock; none
 * given means now. Once the end is known, whatever else is said has no effect; but of a request that was given up, or seemed
 * to be, an answer still tells that it has arrived.
 */
export interface Ticket extends ExchangeObserver {
  /** The key they were acquired on. */
  readonly key: string
  /** How many. */
  readonly cost: number
  /** From when on they may be used: an instant of the backend’s clock, which in memory is the limiter’s. */
  readonly grantedAt: Microseconds
  /**
   * The request is being written to its socket: it arrives within the margin. Where processes share the limit the units
   * are on a lease, and a program that stood still may have lost it.
   * @param isBuffered whether it may not leave this process yet, as below TLS; the margin then begins with `sent`. Default: false
   * @returns whether the request may be written; if not, `release` the ticket and acquire another one
   */
  written(at?: Microseconds, isBuffered?: boolean): boolean
  /** What was buffered when the request was written has left this process. */
  sent(at?: Microseconds): void
  /** The server has answered, so the units have arrived. */
  answered(at?: Microseconds): void
  /** The units arrive no later than `untilAt`. */
  settle(untilAt?: Microseconds): void
  /** The request failed: unused units are given back, those of a written request count on. */
  release(): void
}

/** What a ticket has to know of the limiter that issued it. */
export interface Issuer {
  readonly store: LimitStore
  /** Whether other processes reserve of it too. */
  readonly isShared: boolean
  readonly clock: Clock
  readonly custody: Custody
  readonly terms: LeaseTerms
  /** To be told of each limit whose units were given back. */
  freed(limit: LimitKey): void
  /** To be told of each limit whose units arrive sooner than was thought. */
  hastened(limit: LimitKey): void
  /** An instant of the limiter’s clock on the store’s for a limit: late by the time the reading takes, never early. */
  toStore(at: Microseconds, limit: LimitKey): Microseconds
}

/** What a shared store need not be told: that units end so much sooner than it thinks. */
const trifle: Microseconds = 1_000

/** A ticket over a store’s grant. Its instants are those of the store’s clock for its limit, but for those that it is told. */
export class GrantTicket implements Ticket, HeldTicket {
  readonly key: string
  until: Microseconds
  lookAt: Microseconds = 0
  previous: HeldTicket | undefined = undefined
  next: HeldTicket | undefined = undefined
  list: LinkedList<HeldTicket> | undefined = undefined
  readonly #issuer: Issuer
  readonly #limit: LimitKey
  #grant: Grant
  /** The instant up to which nobody has taken the units to have arrived, for certain: always, in one process. */
  #leasedUntil: Microseconds
  #isWritten = false
  /** When it left this process; undefined while that is not known. */
  #leftAt: Microseconds | undefined = undefined
  /**
   * The limiter’s instant up to which the store may have heard that the request is not written yet: for ever while it is
   * being told, or if that failed.
   */
  #unsentAt: Microseconds = lost
  /** When the units arrive at the latest, once that is known. */
  #endAt: Microseconds | undefined = undefined
  /** What was said of them then; undefined if nothing was. */
  #lastWord: LastProgress | undefined = undefined
  /** The last call to a store that answers later. */
  #lastCall: Promise<void> | undefined = undefined

  constructor(issuer: Issuer, key: string, limit: LimitKey, grant: Grant) {
    this.#issuer = issuer
    this.key = key
    this.#limit = limit
    this.#grant = grant
    this.until = grant.until
    this.#leasedUntil = issuer.isShared ? grant.until : Number.POSITIVE_INFINITY
  }

  get cost(): number {
    return this.#grant.cost
  }

  get grantedAt(): Microseconds {
    return this.#grant.at
  }

  get storedKey(): string {
    return this.#limit.key
  }

  get final(): boolean {
    return this.#endAt !== undefined
  }

  /** Half the lease before it is too late to write; once written, when the journey must be over. */
  get dueAt(): Microseconds {
    const arrivedBy = this.#arrivedBy()
    if (arrivedBy !== undefined) return arrivedBy
    if (!this.#isWritten && this.#leasedUntil === lost) return Number.POSITIVE_INFINITY
    const { span, journey } = this.#issuer.terms
    return this.until - Math.ceil((span + journey) / 2)
  }

  now(): Microseconds {
    return this.#issuer.store.now(this.#limit)
  }

  written(at: Microseconds = this.#issuer.clock.now(), isBuffered = false): boolean {
    if (this.final) return true
    const writtenAt = this.#issuer.toStore(at, this.#limit)
    if (writtenAt > this.#leasedUntil - this.#issuer.terms.journey) return false
    this.#isWritten = true
    if (!isBuffered) this.#left(writtenAt)
    if (at < this.#unsentAt) this.#move(this.until, 'sent')?.catch(heardLater)
    return true
  }

  sent(at: Microseconds = this.#issuer.clock.now()): void {
    if (this.final || !this.#isWritten) return
    this.#left(this.#issuer.toStore(at, this.#limit))
    const arrivedBy = this.#arrivedBy()
    // Nobody else may take it to have arrived by then.
    if (this.#issuer.isShared && arrivedBy !== undefined && arrivedBy > this.until) {
      this.#move(arrivedBy, 'sent')?.catch(heardLater)
    }
  }

  answered(at: Microseconds = this.#issuer.clock.now()): void {
    if (this.#endAt !== undefined) {
      this.#arrivedAfterAll(this.#endAt)?.catch(heardLater)
      return
    }
    const answeredAt = this.#issuer.toStore(at, this.#limit)
    this.#finish(Math.min(answeredAt, this.#arrivedBy() ?? answeredAt), 'arrived')?.catch(heardLater)
  }

  settle(untilAt: Microseconds = this.#issuer.clock.now()): void {
    if (this.final) return
    this.#finish(this.#issuer.toStore(untilAt, this.#limit), 'arrived')?.catch(heardLater)
  }

  release(): void {
    if (this.final) return
    const { unanswered } = this.#issuer.terms
    const end = this.#isWritten ? (this.#arrivedBy() ?? this.now() + unanswered) : undefined
    const told = end === undefined ? this.#giveBack() : this.#finish(end, 'lost')
    told?.catch(heardLater)
  }

  lapse(now: Microseconds): Promise<void> | undefined {
    const end = this.#endAt ?? this.#arrivedBy()
    if (end !== undefined) return this.#finish(end, this.#lastWord ?? 'lost')
    if (!this.#isWritten && now > this.#leasedUntil) {
      this.#leasedUntil = lost
      return undefined
    }
    return this.#move(now + this.#issuer.terms.span, this.#isWritten ? 'sent' : 'unsent')
  }

  forget(): void {
    this.#issuer.custody.remove(this)
    this.#endAt = this.until
  }

  /** It has left this process, so that it is known when it arrives at the latest. */
  #left(at: Microseconds): void {
    this.#leftAt = at
    if (this.list !== undefined && this.#issuer.terms.travel !== undefined) this.#issuer.custody.left(this)
  }

  /** The latest instant at which a written request can have reached the server; undefined when nobody can say. */
  #arrivedBy(): Microseconds | undefined {
    const { travel } = this.#issuer.terms
    return this.#leftAt === undefined || travel === undefined ? undefined : this.#leftAt + travel
  }

  #finish(endAt: Microseconds, lastWord: LastProgress): Promise<void> | undefined {
    const { custody, isShared, terms } = this.#issuer
    custody.remove(this)
    this.#endAt = endAt
    this.#lastWord = lastWord
    const sooner = this.until - endAt
    // A renewal that is under way may fail: then the store takes an earlier end than this for certain.
    const isKnown = this.until === this.#grant.until
    const isTrifling = sooner === 0 || (isShared && sooner > 0 && sooner <= trifle)
    // Of what is not on a lease, and of which nothing is said, the store thinks that it has arrived.
    const goesWithoutSaying = terms.leased || lastWord === 'arrived'
    return isKnown && isTrifling && goesWithoutSaying ? undefined : this.#move(endAt, lastWord)
  }

  /** An answer later than the longest journey: the end is what it was, but now it is certain. */
  #arrivedAfterAll(endAt: Microseconds): Promise<void> | undefined {
    if (this.#lastWord !== 'lost') return undefined
    this.#lastWord = 'arrived'
    const tell = (): Promise<void> | undefined =>
      this.#limit.rule.awaits(this.#grant) ? this.#move(endAt, 'arrived') : undefined
    return this.#lastCall === undefined ? tell() : this.#lastCall.then(tell)
  }

  #move(until: Microseconds, progress: Progress): Promise<void> | undefined {
    const { store, isShared, clock } = this.#issuer
    const sooner = until < this.until
    this.until = until
    if (progress === 'unsent') this.#unsentAt = Number.POSITIVE_INFINITY
    return this.#send(
      () => store.settle(this.#limit, this.#grant, until, progress),
      (grant) => {
        this.#grant = grant
        if (progress === 'unsent') this.#unsentAt = clock.now()
        if (!isLast(progress) && isShared) this.#renewed(grant)
        if (sooner) this.#issuer.hastened(this.#limit)
      },
    )
  }

  /** Whether the store heard of it before the old end is certain only if it is not later even now. */
  #renewed({ until }: Grant): void {
    this.#leasedUntil = this.now() <= this.#leasedUntil ? until : lost
  }

  #giveBack(): Promise<void> | undefined {
    this.#issuer.custody.remove(this)
    this.#endAt = this.until
    return this.#send(
      () => this.#issuer.store.cancel(this.#limit, this.#grant),
      () => this.#issuer.freed(this.#limit),
    )
  }

  /** Calls the store; one call after another when it answers later, each with the grant as the last one left it. */
  #send<T>(call: () => MaybePromise<T>, heard: (answer: T) => void): Promise<void> | undefined {
    const answer = this.#lastCall === undefined ? orRejection(call) : this.#lastCall.then(call, call)
    if (!(answer instanceof Promise)) {
      heard(answer)
      return undefined
    }
    this.#lastCall = answer.then(heard, (error: unknown) => {
      this.#tryAgain()
      throw error
    })
    return this.#lastCall
  }

  /**
   * The store refused to hear how the units ended: the next reservation on the key tells it again, before it asks.
   * A shared one goes by their provisional end, which is no earlier.
   */
  #tryAgain(): void {
    const { custody, isShared } = this.#issuer
    if (isShared) return
    custody.remove(this)
    this.until = 0
    custody.add(this)
  }
}

/** What a call answers; what it throws is a rejection too. */
function orRejection<T>(call: () => MaybePromise<T>): MaybePromise<T> {
  try {
    return call()
  } catch (error) {
    return Promise.reject(error)
  }
}

/** No lease. */
const lost = Number.NEGATIVE_INFINITY

/** Whoever reserves next on the key meets the same failure, or mends it; the request that is done needs not know. */
function heardLater(): void {}
