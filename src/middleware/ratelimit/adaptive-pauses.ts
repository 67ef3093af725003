import type { Microseconds } from '../../core/duration.ts'
import type { Reply } from '../../core/reply.ts'
import type { AnsweredHead, ExchangeObserver } from '../../core/request.ts'
import type { Ratelimiter } from '../../ratelimit/ratelimiter.ts'
import { type Adaptation, askedPause } from './adaptive.ts'
import { NotedPauses } from './noted-pauses.ts'

/** Sees to it that what a response asks of its key is done. */
export interface AdaptiveObserver extends ExchangeObserver {
  /** Waits until the pause that the response asks for has begun, if it asks for one. */
  heeded(reply: Reply): Promise<void> | undefined
}

/** Pauses keys as their responses ask. Instants are those of the session’s clock. */
export class AdaptivePauses {
  readonly #ratelimiter: Ratelimiter
  readonly #adaptation: Adaptation
  /** What this session’s own responses have asked. */
  readonly #noted = new NotedPauses()

  constructor(ratelimiter: Ratelimiter, adaptation: Adaptation) {
    this.#ratelimiter = ratelimiter
    this.#adaptation = adaptation
  }

  /**
   * The observer of an exchange whose slot has just been granted. It lets nothing be written any more once its key is
   * paused: what waited for a connection meanwhile would only be refused. A slot granted after that is good.
   */
  watch(key: string, observer: ExchangeObserver): AdaptiveObserver {
    return new Watch(this, key, observer, this.#noted.count)
  }

  /** The pause counts from when the head came, whatever the content takes, and is no longer than `maxPause`. */
  heed(key: string, head: AnsweredHead, answeredAt: Microseconds): Promise<void> | undefined {
    const { clock, maxPause } = this.#adaptation
    const asked = askedPause(head, answeredAt, clock)
    if (asked === undefined) return undefined
    const now = clock.now()
    const microseconds = Math.min(asked.span, maxPause) - (now - answeredAt)
    if (microseconds <= 0) return undefined
    this.#noted.note(key, now, now + microseconds)
    const reason =
      asked.by === 'Retry-After' ? `Retry-After of a ${head.status}` : 'the server’s quota is used up'
    return this.#ratelimiter.pause(key, { microseconds }, { reason }).catch(heardLater)
  }

  /** Whether a key has been paused since `count` pauses had been asked for, and is so still. */
  hasBegunSince(count: number, key: string, now: Microseconds): boolean {
    return this.#noted.hasBegunSince(count, key, now)
  }
}

/** One exchange’s. */
class Watch implements AdaptiveObserver {
  readonly #pauses: AdaptivePauses
  readonly #key: string
  readonly #observer: ExchangeObserver
  /** The pauses that had been asked for when its slot was granted. */
  readonly #count: number
  #isHeard = false
  #begun: Promise<void> | undefined

  constructor(pauses: AdaptivePauses, key: string, observer: ExchangeObserver, count: number) {
    this.#pauses = pauses
    this.#key = key
    this.#observer = observer
    this.#count = count
  }

  written(at: Microseconds, isBuffered?: boolean): boolean {
    return !this.#pauses.hasBegunSince(this.#count, this.#key, at) && this.#observer.written(at, isBuffered)
  }

  sent(at: Microseconds): void {
    this.#observer.sent?.(at)
  }

  answered(at: Microseconds, head?: AnsweredHead): void {
    this.#observer.answered(at, head)
    // At once: when the content has ended the next request may be written to the connection before anybody sees the reply.
    if (head !== undefined) this.#hear(head, at)
  }

  heeded(reply: Reply): Promise<void> | undefined {
    this.#hear(reply, reply.timings.answeredAt)
    return this.#begun
  }

  #hear(head: AnsweredHead, at: Microseconds): void {
    if (!this.#isHeard) this.#begun = this.#pauses.heed(this.#key, head, at)
    this.#isHeard = true
  }
}

/** The response is there whatever becomes of its pause. Whoever reserves next meets the same failure of the backend. */
function heardLater(): void {}
