import { cacheChannels, type CacheEventName } from '../cache/events.ts'
import type { Har } from '../http/har/har.ts'
import type { Response } from '../http/response.ts'
import type { AcquireOptions } from '../ratelimit/acquire-options.ts'
import type { Ticket } from '../ratelimit/ticket.ts'
import type { SessionRequestOptions, StreamOptions } from '../session/call-options.ts'
import type { Feature } from '../session/feature-options.ts'
import type { SessionOptions } from '../session/session-options.ts'
import { Session } from '../session/session.ts'
import { counter, HeldThings } from './held-things.ts'
import { HostedBatch, type HostedBatchOptions, type NumberedTarget, type Results } from './hosted-batch.ts'
import { packReply, type PortableReply } from './portable-response.ts'
import type { Operation } from './protocol.ts'

/** What stands in the calling thread for something of the worker. */
export interface Remnant<Detail> {
  readonly number: number
  readonly detail: Detail
}

/** Items of an iterator. */
export interface Items {
  readonly items: readonly unknown[]
  /** There are no more. */
  readonly done: boolean
}

/** What a ticket tells beside its methods. */
export type TicketDetail = Pick<Ticket, 'key' | 'cost' | 'grantedAt'>

/** What can be said to a ticket. */
export type TicketWord = 'written' | 'sent' | LastTicketWord

/** Those after which nothing more is said of it. */
export type LastTicketWord = 'answered' | 'settle' | 'release'

/** Tickets that need not be told anything matter for a short time only: so many of them are kept. */
const mostTickets = 1_000

/** Tells the calling thread of an event. */
export type Tell = (name: CacheEventName, event: unknown) => void

/** A real session, and what is under way in it. Its methods are the operations of the protocol. */
export class HostedSession implements Record<Exclude<Operation, 'open'>, unknown> {
  readonly #session: Session
  readonly #isLimited: boolean
  readonly #number = counter()
  readonly #iterators = new HeldThings<AsyncIterator<unknown>>(this.#number)
  readonly #batches = new HeldThings<HostedBatch>(this.#number)
  readonly #heldTickets = new HeldThings<Ticket>(this.#number)
  readonly #tickets = new HeldThings<Ticket>(this.#number, mostTickets)

  /** @param tell told of the events of the cache */
  constructor(features: readonly string[], options: SessionOptions, tell: Tell) {
    this.#isLimited = features.includes('ratelimit') || options.ratelimit !== undefined
    class Hosted extends Session {
      static override readonly features = new Set(features as Feature[])
    }
    // Users' callbacks are called by their own thread; those of HostedBatch have to be called always.
    this.#session = new Hosted({ ...options, debug: false, runCallbacksOnError: true })
    if (features.includes('cache') || options.cache !== undefined) tellAll(this.#session, tell)
  }

  request(method: string, url: string, options?: SessionRequestOptions): Promise<Response> {
    return this.#session.request(method, url, options)
  }

  async stream(url: string, options?: StreamOptions): Promise<Remnant<PortableReply>> {
    const response = await this.#session.stream(url, options)
    const detail = packReply(response, (bytes) => bytes)
    return { number: this.#iterators.add(response[Symbol.asyncIterator]()), detail }
  }

  /** The next items of an iterator: up to `most`. */
  async more(number: number, most: number): Promise<Items> {
    const iterator = this.#iterators.get(number)
    if (iterator === undefined) return { items: [], done: true }
    const items: unknown[] = []
    while (items.length < most) {
      const { done, value } = await iterator.next()
      if (done === true) {
        this.#iterators.take(number)
        return { items, done }
      }
      items.push(value)
    }
    return { items, done: false }
  }

  async endIterator(number: number): Promise<void> {
    await this.#iterators.take(number)?.return?.()
  }

  /** @throws OptionError */
  batch(options: HostedBatchOptions): number {
    return this.#batches.add(new HostedBatch(this.#session, options))
  }

  feed(number: number, targets: readonly NumberedTarget[], last: boolean): Promise<Results> | undefined {
    return this.#batches.get(number)?.feed(targets, last)
  }

  stopBatch(number: number): void {
    this.#batches.get(number)?.stop()
  }

  async endBatch(number: number): Promise<void> {
    await this.#batches.take(number)?.end()
  }

  /** Calls a method of the cache. */
  cache(
    method: 'get' | 'has' | 'delete' | 'clear' | 'size' | 'deleteWhere' | 'stats',
    ...args: never[]
  ): unknown {
    const cache = this.#session.cache
    return (cache[method] as (...args: never[]) => unknown).apply(cache, args)
  }

  cacheIterator(method: 'keys' | 'values' | 'entries'): number {
    return this.#iterators.add(this.#session.cache[method]())
  }

  /** Calls a method of the limiter, or reads a value. */
  limiter(
    name: 'peek' | 'pause' | 'reset' | 'clear' | 'waiting' | 'nextGrantIn' | 'close',
    ...args: never[]
  ): unknown {
    const { ratelimiter } = this.#session
    const member = ratelimiter[name]
    return typeof member === 'function'
      ? (member as (...args: never[]) => unknown).apply(ratelimiter, args)
      : member
  }

  async acquire(key: string | undefined, options?: AcquireOptions): Promise<Remnant<TicketDetail>> {
    const ticket = await this.#session.ratelimiter.acquire(key, options)
    const { cost, grantedAt } = ticket
    const tickets = options?.hold === true ? this.#heldTickets : this.#tickets
    return { number: tickets.add(ticket), detail: { key: ticket.key, cost, grantedAt } }
  }

  /** Says something to a ticket. @returns what that answers; nothing, when the ticket is not kept any more */
  ticket(number: number, word: TicketWord, at?: number, isBuffered?: boolean): boolean | undefined {
    const tickets = this.#heldTickets.get(number) === undefined ? this.#tickets : this.#heldTickets
    if (word === 'written') return tickets.get(number)?.written(at, isBuffered)
    if (word === 'sent') {
      tickets.get(number)?.sent(at)
      return undefined
    }
    const ticket = tickets.take(number)
    if (word === 'release') ticket?.release()
    else ticket?.[word](at)
    return undefined
  }

  /** @throws OptionError when nothing is recorded */
  har(): Har {
    return this.#session.har()
  }

  /** @throws SessionError ERR_FORMAT; OptionError when there is no cache */
  loadHar(har: Har | string): Promise<number> {
    return this.#session.loadHar(har)
  }

  clear(): Promise<void> {
    return this.#session.clearCache()
  }

  /** Milliseconds until the limiter’s next grant, when somebody waits for it. */
  status(): number | undefined {
    return this.#isLimited ? this.#session.ratelimiter.nextGrantIn : undefined
  }

  close(): Promise<void> {
    return this.#session.close()
  }
}

function tellAll({ cache }: Session, tell: Tell): void {
  for (const name of Object.keys(cacheChannels) as CacheEventName[]) {
    cache.on(name, (event) => tell(name, event))
  }
}
