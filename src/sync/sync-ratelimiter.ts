import type { Duration, Microseconds } from '../core/duration.ts'
import { checkOptions } from '../core/check-options.ts'
import type { AcquireOptions } from '../ratelimit/acquire-options.ts'
import type { PauseOptions, RatelimitStanding, WrapOptions } from '../ratelimit/ratelimiter.ts'
import type { Ticket } from '../ratelimit/ticket.ts'
import type { BlockingRatelimiter } from './blocking.ts'
import { checkSignal } from './checked-options.ts'
import { Held } from './held.ts'
import type { LastTicketWord, Remnant, TicketDetail } from './hosted-session.ts'
import type { Remote } from './remote.ts'

/** The limiter of a blocking session. It has no `on`: a thread that is blocked hears of nothing in time; use Session. */
export class SyncRatelimiter implements BlockingRatelimiter, Disposable {
  readonly #remote: Remote

  /** @internal Use `session.ratelimiter`. */
  constructor(remote: Remote) {
    this.#remote = remote
  }

  /**
   * Blocks until units of the limit of `key` are granted.
   * @returns the units; telling the ticket what became of them is optional unless `hold` is set
   * @throws RatelimitError, when the wait would be longer than is allowed; OptionError; SessionError ERR_CLOSED
   */
  acquire(key = 'default', options?: AcquireOptions): Ticket {
    checkSignal(options)
    return new SyncTicket(this.#remote, this.#remote.call('acquire', [key, options]) as Remnant<TicketDetail>)
  }

  /**
   * A function that acquires first and then calls `fn`.
   * @throws OptionError when an option is wrong
   */
  wrap<This, Args extends unknown[], Result>(
    fn: (this: This, ...args: Args) => Result,
    options: WrapOptions = {},
  ): (this: This, ...args: Args) => Result {
    checkOptions(options, ['key', 'cost'], 'wrap')
    const { key, cost = 1 } = options
    const acquire = (): Ticket => this.acquire(key, { cost })
    return function limited(this: This, ...args: Args): Result {
      acquire()
      return fn.apply(this, args)
    }
  }

  /** How many wait, on one key or on all: requests of a batch that is being iterated. */
  waiting(key?: string): number {
    return this.#call('waiting', key) as number
  }

  /** Milliseconds until the first of all who wait may go; undefined when nobody waits. */
  get nextGrantIn(): number | undefined {
    return this.#call('nextGrantIn') as number | undefined
  }

  /** Where the limit of `key` stands, apart from those who wait. Changes nothing. */
  peek(key?: string): RatelimitStanding {
    return this.#call('peek', key) as RatelimitStanding
  }

  /**
   * Grants nothing on `key` for `duration` from now on, in no process that shares the limit. A pause that ends later
   * stays; `reset` ends it.
   * @throws OptionError when the duration is none
   */
  pause(key: string, duration: Duration, options?: PauseOptions): void {
    this.#call('pause', key, duration, options)
  }

  /** Forgets what was used of one key. */
  reset(key?: string): void {
    this.#call('reset', key)
  }

  /** Forgets what was used of all keys under this limiter’s prefix. */
  clear(): void {
    this.#call('clear')
  }

  /** Turns away all who wait, with ERR_CLOSED. */
  close(): void {
    this.#call('close')
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #call(name: string, ...args: readonly unknown[]): unknown {
    return this.#remote.call('limiter', [name, ...args])
  }
}

/** A ticket of the worker. */
class SyncTicket implements Ticket {
  readonly key: string
  readonly cost: number
  readonly grantedAt: Microseconds
  readonly #held: Held
  #isOver = false

  constructor(remote: Remote, { number, detail }: Remnant<TicketDetail>) {
    this.key = detail.key
    this.cost = detail.cost
    this.grantedAt = detail.grantedAt
    this.#held = new Held(remote, number)
  }

  written(at?: Microseconds, isBuffered?: boolean): boolean {
    return this.#isOver || this.#held.call('ticket', 'written', at, isBuffered) === true
  }

  sent(at?: Microseconds): void {
    if (!this.#isOver) this.#held.call('ticket', 'sent', at)
  }

  answered(at?: Microseconds): void {
    this.#end('answered', at)
  }

  settle(untilAt?: Microseconds): void {
    this.#end('settle', untilAt)
  }

  release(): void {
    this.#end('release')
  }

  #end(word: LastTicketWord, at?: Microseconds): void {
    this.#held.call('ticket', word, at)
    this.#isOver = true
  }
}
