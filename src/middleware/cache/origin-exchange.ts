import type { CacheEntry } from '../../backends/contract.ts'
import { answerOf } from '../../cache/answer.ts'
import { isForMany } from '../../cache/cookies.ts'
import type { CacheCounters } from '../../cache/counters.ts'
import { plainDemand } from '../../cache/demand.ts'
import { timesOf, toEntry } from '../../cache/entry.ts'
import { combined, lengthOf } from '../../cache/parts.ts'
import { failureStatuses, outlastsFailure, reusable, survivesFailure } from '../../cache/policy.ts'
import type { SafeStore } from '../../cache/safe-store.ts'
import { aged, completing, freshenable, freshened, outdatedBy, validating } from '../../cache/validation.ts'
import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { type FieldList, fieldValue } from '../../core/field-list.ts'
import type { Next, Reply } from '../../core/reply.ts'
import { discard } from '../discard.ts'
import { announced } from './announcements.ts'
import { atMost } from './background.ts'
import { restOf } from './collect.ts'
import { ContentBudget, mostArriving } from './content-budget.ts'
import { isFailure } from './failures.ts'
import { type Asked, Keeper, type StoringSettings, type Ticket } from './keeper.ts'
import { SharedContent } from './shared-content.ts'
import { contentFor, reused, storedReply } from './stored-reply.ts'

/** What came of asking the origin. */
export interface OriginAnswer {
  readonly reply: Reply
  /** The response as others may have it too; undefined when it is not for them. */
  readonly entry: CacheEntry | undefined
  /** The content of a reply that is a stream, and of its entry, while it arrives; it is opened by whoever reads it. */
  readonly content?: SharedContent
  /** By which the store expects what it has yet to be given; undefined when it was not told. */
  readonly token?: string | undefined
  /** Whether another process asked for it. */
  readonly collapsed?: boolean
  /** Whether a stale stored response stands in for an origin that failed. */
  readonly standsIn?: boolean
  /** Whether it is stored, or will be once it has been read. */
  readonly stored: boolean
  /** The status of the exchange, where it is not that of the reply. */
  readonly fwdStatus: number | undefined
}

/** A GET for the origin, and what is known already. */
export interface Question extends Asked {
  /** The stored response that the request selected. */
  readonly selected: CacheEntry | undefined
  /** Everything else under the key. */
  readonly others: readonly CacheEntry[]
  readonly next: Next
  /** By which the store expects the answer; undefined when it was not told. */
  readonly token?: string | undefined
  /** Ends the exchange while its content arrives. Default: nothing; then the request’s signal does. */
  readonly stop?: () => void
}

/** Asks the origin, with the validators of what is stored, and stores what it may. */
export class OriginExchange {
  readonly #clock: Clock
  readonly #settings: StoringSettings
  readonly #keeper: Keeper
  readonly #store: SafeStore
  readonly #arriving: ContentBudget

  constructor(store: SafeStore, clock: Clock, settings: StoringSettings, counters: CacheCounters) {
    this.#clock = clock
    this.#settings = settings
    this.#keeper = new Keeper(store, settings, counters)
    this.#store = store
    this.#arriving = new ContentBudget(Math.max(mostArriving, settings.maxEntrySize))
  }

  /**
   * Asks; when the origin fails, a stale response answers where it may (RFC 5861, 4).
   * @throws what the rest of the chain throws
   */
  async get(question: Question): Promise<OriginAnswer> {
    const { selected, demand, policy } = question
    if (selected === undefined || !survivesFailure(selected, demand, policy, this.#clock.wallNow())) {
      return this.#ask(question)
    }
    let answer: OriginAnswer
    try {
      answer = await this.#ask(question)
    } catch (error) {
      const stale = isFailure(error) ? this.#standIn(question, selected, undefined) : undefined
      if (stale === undefined) throw error
      return stale
    }
    if (!failureStatuses.has(answer.reply.status)) return answer
    const stale = this.#standIn(question, selected, answer.reply.status)
    if (stale === undefined) return answer
    await discard(answer.reply)
    return stale
  }

  /** The instant that it is. */
  now(): Microseconds {
    return this.#clock.now()
  }

  /** Stores, if it may, a response that came to another request as the answer to this GET. */
  keep(asked: Omit<Asked, 'demand'>, reply: Reply, token: string | undefined): OriginAnswer {
    const question = { ...asked, demand: plainDemand, selected: undefined, others: [] }
    return this.#receive(question, this.#keeper.begin(token), reply)
  }

  /** What another process has stored meanwhile, as the answer; undefined when it is not what was asked for. */
  collapsed(question: Question, entry: CacheEntry): OriginAnswer | undefined {
    const answer = this.#stored(question, entry, undefined)
    return answer && { ...answer, stored: true, collapsed: true }
  }

  /** The fields of a response that is reused while its content arrives; undefined when it may not be. */
  reusedFields({ demand, policy }: Question, entry: CacheEntry): FieldList | undefined {
    const wallNow = this.#clock.wallNow()
    if (reusable(entry, demand, policy, wallNow) !== 'fresh') return undefined
    return reused(entry, entry, wallNow).headers
  }

  /** Stores it anew, unless it was invalidated since it was looked for at `began`. */
  renew(entry: CacheEntry, began: number): void {
    this.#keeper.renew(entry, began)
  }

  /** What has come to a question that was asked at `began` is too large to be kept: what is stored is old, all the same. */
  outgrown({ selected }: Question, began: number): void {
    if (selected === undefined) return
    const outdated = outdatedBy({ requestedAt: this.#clock.wallNow() }, selected)
    this.#keeper.replace(outdated, { number: began, token: undefined })
  }

  /** Sends a HEAD, and lets its answer speak of the stored response that it selects (RFC 9111, 4.3.5). */
  async head({ request, key, policy, selected, next }: Question): Promise<Reply> {
    if (selected === undefined) return next(request)
    const ask = async (token: string | undefined): Promise<Reply> => {
      const ticket = this.#keeper.begin(token)
      const reply = await next(request)
      this.#keeper.afterHead(selected, reply, timesOf(reply, this.#clock), policy, ticket)
      return reply
    }
    return announced(this.#store, { key, ask })
  }

  async #ask(question: Question): Promise<OriginAnswer> {
    const { request, demand, selected, others, next } = question
    const ticket = this.#keeper.begin(question.token)
    if (selected !== undefined && answerOf(selected, request.method, demand.conditions) === undefined) {
      return this.#askForParts(question, selected, ticket)
    }
    const validation = demand.reuse === 'none' ? undefined : validating(request, selected, others)
    if (validation === undefined) return this.#receive(question, ticket, await next(request))
    const reply = await next(validation)
    if (reply.status !== 304) return this.#receive(question, ticket, reply)
    const entry = freshenable(reply, request, selected, others)
    const answer = entry === undefined ? undefined : this.#freshen(question, entry, ticket, reply)
    // RFC 9111, 4.3.4: a 304 for something that is not stored; ask as the caller would have
    return answer ?? this.#receive(question, ticket, await next(request))
  }

  /** The stored parts are not what is wanted: asks for the missing ones, or for what the caller wants. */
  async #askForParts(question: Question, selected: CacheEntry, ticket: Ticket): Promise<OriginAnswer> {
    const { request, demand, policy, next } = question
    const { maxEntrySize } = this.#settings
    // the rest is joined to what is stored, so it has to be there at once
    const isSmall = (lengthOf(selected) ?? 0) <= maxEntrySize
    const wantsWhole = isSmall && demand.conditions === undefined && demand.reuse !== 'none'
    const completion = wantsWhole ? completing(request, selected) : undefined
    if (completion === undefined) return this.#receive(question, ticket, await next(request))
    const reply = await next(completion)
    if (reply.status !== 206) {
      const refused = reply.status === 304 || reply.status >= 400
      if (refused) await discard(reply)
      return this.#receive(question, ticket, refused ? await next(request) : reply)
    }
    const rest = await restOf(reply, atMost(maxEntrySize, request))
    const entry = rest && this.#keeper.entryOf(question, reply, timesOf(reply, this.#clock), rest)
    const whole = entry === undefined ? undefined : combined(selected, entry)
    if (whole === undefined || whole.parts !== undefined) {
      return this.#receive(question, ticket, await next(request))
    }
    const complete = aged(whole, policy)
    const kept = this.#keeper.mayKeep(complete, request, policy)
      ? this.#keeper.put(complete, ticket)
      : 'refused'
    const answered = { ...reply, request, status: 200, statusText: 'OK', headers: complete.headers }
    return {
      reply: { ...answered, ...contentFor(request, complete.body) },
      entry: kept === 'refused' || !isForMany(complete) ? undefined : complete,
      stored: kept === 'stored',
      fwdStatus: 206,
    }
  }

  #receive(question: Omit<Question, 'next'>, ticket: Ticket, received: Reply): OriginAnswer {
    const { request, key, policy, selected, demand, stop = () => undefined } = question
    // the validators were ours, not the caller’s
    const reply = received.request === request ? received : { ...received, request }
    const times = timesOf(reply, this.#clock)
    const failed = failureStatuses.has(reply.status)
    // an origin that fails does not push out what can stand in for it
    if (failed && selected !== undefined && outlastsFailure(selected, demand, policy, times.receivedAt)) {
      return unshared(reply)
    }
    const entry = toEntry(key, request, reply, times, policy)
    if (entry === undefined || !this.#keeper.mayKeep(entry, request, policy)) {
      this.#keeper.outdate(selected, reply, times, ticket)
      return unshared(reply)
    }
    if (reply.stream !== undefined) {
      const length = Number(fieldValue(reply.headers, 'content-length') ?? 0)
      const tooLarge = (): void => this.#keeper.outdate(selected, reply, times, ticket)
      if (length > this.#settings.maxEntrySize) {
        tooLarge()
        return unshared(reply)
      }
      const content = new SharedContent({
        source: reply.stream,
        limit: this.#settings.maxEntrySize,
        budget: this.#arriving,
        keep: (body) => this.#keeper.keep(question, { ...entry, body }, ticket),
        tooLarge,
        stop,
      })
      // a part is only for who asked for it
      const isShared = reply.status !== 206 && isForMany(entry)
      const { token } = ticket
      return {
        reply,
        content,
        token,
        entry: isShared ? entry : undefined,
        stored: true,
        fwdStatus: undefined,
      }
    }
    const kept = this.#keeper.keep(question, entry, ticket)
    if (reply.body.byteLength > this.#settings.maxEntrySize)
      this.#keeper.outdate(selected, reply, times, ticket)
    // a part is only for who asked for it
    const isShared = kept !== 'refused' && reply.status !== 206 && isForMany(entry)
    return { reply, entry: isShared ? entry : undefined, stored: kept === 'stored', fwdStatus: undefined }
  }

  /** undefined when the stored response, freshened, is not what the caller asked for. */
  #freshen(question: Question, known: CacheEntry, ticket: Ticket, reply: Reply): OriginAnswer | undefined {
    const { request, demand, policy } = question
    const times = timesOf(reply, this.#clock)
    const entry = freshened(known, request, reply, times, policy)
    const answer = answerOf(entry ?? known, request.method, demand.conditions)
    if (answer === undefined) return undefined
    const mayStay = entry !== undefined && this.#keeper.mayKeep(entry, request, policy)
    const kept = mayStay ? this.#keeper.put(entry, ticket) : 'refused'
    // the origin has just said that it may not be kept
    if (kept === 'refused') this.#keeper.drop(known.key)
    const { status, statusText, headers, body } = answer
    return {
      reply: { ...reply, request, status, statusText, headers, ...contentFor(request, body) },
      entry: kept === 'refused' || entry === undefined || !isForMany(entry) ? undefined : entry,
      stored: kept === 'stored',
      fwdStatus: reply.status,
    }
  }

  /** A stale response in the place of an origin that failed. */
  #standIn(question: Question, entry: CacheEntry, fwdStatus: number | undefined): OriginAnswer | undefined {
    const answer = this.#stored(question, entry, fwdStatus)
    return answer && { ...answer, standsIn: true }
  }

  /** A stored response as the answer. */
  #stored(
    { request, demand }: Question,
    entry: CacheEntry,
    fwdStatus: number | undefined,
  ): OriginAnswer | undefined {
    const answer = answerOf(entry, request.method, demand.conditions)
    if (answer === undefined) return undefined
    const aging = reused(answer, entry, this.#clock.wallNow())
    const reply = storedReply(request, aging, entry.httpVersion, this.#clock.now(), { hit: false })
    return { reply, entry, stored: false, fwdStatus }
  }
}

/** A response for this request alone. */
function unshared(reply: Reply): OriginAnswer {
  return { reply, entry: undefined, stored: false, fwdStatus: undefined }
}
