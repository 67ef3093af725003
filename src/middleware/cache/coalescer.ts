import { newsStatuses } from '../../cache/policy.ts'
import type { SafeStore } from '../../cache/safe-store.ts'
import { type Landed, SingleFlight } from '../../cache/single-flight.ts'
import { UnsharedKeys } from '../../cache/unshared-keys.ts'
import { matchesVariant } from '../../cache/variant.ts'
import type { Clock } from '../../core/clock.ts'
import type { ExchangeObserver } from '../../core/request.ts'
import { discard } from '../discard.ts'
import { collect } from './collect.ts'
import { isFailure, isTooLarge } from './failures.ts'
import type { OriginAnswer, OriginExchange, Question } from './origin-exchange.ts'
import { isUnshared, ProcessFlight, unsharedSpan } from './process-flight.ts'
import { SharedContent } from './shared-content.ts'
import { contentFor } from './stored-reply.ts'

/** Asks the origin once for all who want the same at the same time, in this process and in others. */
export class Coalescer {
  readonly #store: SafeStore
  readonly #origin: OriginExchange
  readonly #flights: SingleFlight<OriginAnswer>
  readonly #processes: ProcessFlight
  readonly #unshared: UnsharedKeys

  /** @param clock measures the time between processes */
  constructor(store: SafeStore, origin: OriginExchange, clock: Clock) {
    this.#store = store
    this.#origin = origin
    this.#flights = new SingleFlight(store.invalidations)
    this.#unshared = new UnsharedKeys(clock, unsharedSpan)
    this.#processes = new ProcessFlight(store, origin, this.#unshared, clock)
  }

  /** Asks for this request alone. */
  async alone(question: Question): Promise<OriginAnswer> {
    const answer = await this.#processes.alone(question)
    const stream = answer.content?.open(undefined)
    return stream === undefined ? answer : { ...answer, reply: { ...answer.reply, stream } }
  }

  /** Asks, or shares the exchange of others who have asked under the same terms. */
  async together(question: Question, terms: string): Promise<OriginAnswer> {
    const { request, key } = question
    if (this.#unshared.has(key)) {
      const answer = await this.alone(question)
      if (answer.entry !== undefined) this.#unshared.delete(key)
      return answer
    }
    if (this.#store.isShared) {
      const open = this.#flights.landed(key, terms)
      if (open !== undefined) await this.#leaveDropped(key, terms, open)
    }
    let landed: Landed<OriginAnswer>
    try {
      landed = await this.#flights.run(key, terms, request.signal, {
        start: (signal) => this.#start(question, signal),
        lasts: ({ entry, content }) => (entry === undefined ? undefined : content?.decided),
      })
    } catch (error) {
      // whoever reads it to its end has a limit that a stream has not
      if (request.maxResponseSize === Number.POSITIVE_INFINITY && isTooLarge(error))
        return this.alone(question)
      throw error
    }
    // not shareable after all, or of another variant: everybody for themselves
    const shared = await this.#answerFor(question, landed).catch((error: unknown) => {
      // the content of a stream is not retried; one request alone has retries for all of it
      if (!landed.collapsed || !isFailure(error)) throw error
      return undefined
    })
    if (shared !== undefined) return shared
    landed.value.content?.dropUnread()
    return this.alone(question)
  }

  /** Asks behind everybody’s back. What proves too large to be kept outdates what is stored. */
  async inBackground(question: Question, terms: string, signal: AbortSignal): Promise<void> {
    const began = this.#store.invalidations.begin()
    let status = 0
    const observer: ExchangeObserver = {
      written: () => true,
      answered: (_, head) => void (status = head?.status ?? status),
    }
    try {
      await this.#flights.run(question.key, terms, signal, {
        start: (ending) =>
          this.#ask({ ...question, request: { ...question.request, observer, signal: ending } }),
      })
    } catch (error) {
      // a failure, however long its words, outdates nothing
      if (isTooLarge(error) && newsStatuses.has(status)) this.#origin.outgrown(question, began)
      throw error
    }
  }

  /** Whether it is being asked. */
  isUnderWay(key: string, terms: string): boolean {
    return this.#flights.has(key, terms)
  }

  /** Another process may have dropped what arrives: then nobody joins it any more, nor waits for it. */
  async #leaveDropped(key: string, terms: string, open: OriginAnswer): Promise<void> {
    const { token } = open
    if (token !== undefined && (await this.#store.isExpected(key, token)) === true) return
    this.#flights.forget(key, terms, open)
    if (token !== undefined) this.#store.giveBack(key, token)
  }

  async #start(question: Question, signal: AbortSignal): Promise<OriginAnswer> {
    const { request } = question
    if (request.reading === 'buffered') return this.#ask({ ...question, request: { ...request, signal } })
    // the exchange goes on when whoever began it has its head, and ends when nobody reads it any more
    const exchange = new AbortController()
    const stop = (): void => exchange.abort(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    const answer = await this.#ask({ ...question, request: { ...request, signal: exchange.signal }, stop })
    const { reply, entry, content } = answer
    if (entry !== undefined || content !== undefined || reply.stream === undefined) return answer
    // it is for whoever began it, alone
    if (request.signal?.aborted === true) await discard(reply)
    return {
      ...answer,
      content: new SharedContent({ source: reply.stream, limit: 0, keep: () => undefined, stop }),
    }
  }

  async #ask(question: Question): Promise<OriginAnswer> {
    const answer = await this.#processes.get(question)
    if (answer.entry !== undefined) this.#unshared.delete(question.key)
    else if (isUnshared(answer)) this.#unshared.add(question.key)
    return answer
  }

  /** A shared answer as this request may have it; undefined when it may not. */
  async #answerFor(
    question: Question,
    { value, collapsed, late }: Landed<OriginAnswer>,
  ): Promise<OriginAnswer | undefined> {
    const { request } = question
    const { entry, content } = value
    if (collapsed && (entry === undefined || !matchesVariant(entry, request))) return undefined
    // what was there before it was asked for is reused, as what is stored is
    const headers =
      late && entry !== undefined ? this.#origin.reusedFields(question, entry) : value.reply.headers
    if (headers === undefined) return undefined
    const reply = { ...value.reply, request, headers }
    const answer = { ...value, collapsed: collapsed || value.collapsed === true, reply }
    if (content === undefined) {
      if (!collapsed) return answer
      // whoever began it may read it in another way
      return entry && { ...answer, reply: { ...reply, ...contentFor(request, entry.body) } }
    }
    const stream = content.open(request.signal)
    if (stream === undefined) return undefined
    if (request.reading === 'stream') return { ...answer, reply: { ...reply, stream } }
    const body = await collect(stream, request)
    const timings = { ...reply.timings, endedAt: this.#origin.now() }
    return { ...answer, reply: { ...reply, body, stream: undefined, timings } }
  }
}
