import { randomUUID } from 'node:crypto'
import type { CacheEntry } from '../../backends/contract.ts'
import { isForMany } from '../../cache/cookies.ts'
import { isSameExchange } from '../../cache/entry.ts'
import type { SafeStore } from '../../cache/safe-store.ts'
import type { UnsharedKeys } from '../../cache/unshared-keys.ts'
import { selectEntry } from '../../cache/variant.ts'
import { alarm, type Clock, sleepUntil, type Timer } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { AbortError } from '../../core/errors.ts'
import { announced } from './announcements.ts'
import { isFailure } from './failures.ts'
import type { OriginAnswer, OriginExchange, Question } from './origin-exchange.ts'
import type { SharedContent } from './shared-content.ts'

/** How long a lease lasts: as long may whoever ended without a word delay others. */
const leaseSpan: Microseconds = 5_000_000
/** The longest that anybody waits for another process. */
const longestWait: Microseconds = 5_000_000
/** The first pause between two looks, and the longest; each is half as long again as the one before. */
const firstPause: Microseconds = 4_000
const longestPause: Microseconds = 50_000
/** How long a key counts as one whose answers are not for others. */
export const unsharedSpan: Microseconds = 30_000_000
/** And how long as one whose last answer was a failure: all who wait just then find out. */
const failedSpan: Microseconds = 1_000_000
/** A content that nobody reads on for so long keeps nobody waiting. */
const idleSpan: Microseconds = 1_000_000

/** What the store had to say. */
interface Look {
  /** Whether the lease is ours now; undefined when the store cannot say. */
  readonly held: boolean | undefined
  /** What another process has just stored, if it answers the question. */
  readonly news: CacheEntry | undefined
}

/**
 * Of all processes that share a store one asks the origin: it holds the lease of the key. The others look into the store
 * until its answer is there. They go themselves, all at once, when there is none in time, or none for them; and when it
 * proved not to be for others, nobody waits there for a while.
 */
export class ProcessFlight {
  readonly #store: SafeStore
  readonly #origin: OriginExchange
  readonly #unshared: UnsharedKeys
  readonly #clock: Clock

  /** @param clock measures the time between processes */
  constructor(store: SafeStore, origin: OriginExchange, unshared: UnsharedKeys, clock: Clock) {
    this.#store = store
    this.#origin = origin
    this.#unshared = unshared
    this.#clock = clock
  }

  /** @throws what asking the origin throws; AbortError when the request’s signal fires */
  async get(question: Question): Promise<OriginAnswer> {
    const { key, request } = question
    if (!this.#store.isShared || this.#unshared.has(key)) return this.alone(question)
    const token = randomUUID()
    // who does not want to wait for a slot does not want to wait for others either
    const giveUpAt = this.#clock.now() + Math.min(longestWait, request.features.limit?.maxWait ?? longestWait)
    let pause = firstPause
    for (let looks = 1; ; looks++) {
      const { held, news } = await this.#look(question, token)
      if (held === true && (news !== undefined || request.signal?.aborted === true)) {
        this.#store.release(key, token)
      }
      if (request.signal?.aborted === true) throw new AbortError(request.signal)
      if (news !== undefined) {
        const answer = this.#origin.collapsed(question, news)
        if (answer !== undefined) return answer
      }
      const now = this.#clock.now()
      if (held === undefined || now >= giveUpAt) return this.alone(question)
      if (held) return this.#lead(question, token, looks > 1)
      await sleepUntil(this.#clock, Math.min(now + pause, giveUpAt), request.signal)
      pause = Math.min(pause * 1.5, longestPause)
    }
  }

  /** Asks for this request alone; others may have what it stores. */
  alone(question: Question): Promise<OriginAnswer> {
    return announced(this.#store, {
      key: question.key,
      ask: (token) => this.#origin.get({ ...question, token }),
      ended: ({ content }) => content?.decided,
    })
  }

  /** Claims first: what is not in the store then is not going to be put there by somebody else. */
  async #look({ key, request, others }: Question, token: string): Promise<Look> {
    const claim = this.#store.claim(key, token, leaseSpan)
    const match = this.#store.match(key)
    const [held, entries] = [await claim, await match]
    const found = selectEntry(entries, request)
    const isNews =
      found !== undefined &&
      isForMany(found) &&
      found.outdated === undefined &&
      !others.some((other) => isSameExchange(found, other))
    return { held, news: isNews ? found : undefined }
  }

  /** @param waited whether another process held the lease before, and stored nothing */
  async #lead(question: Question, token: string, waited: boolean): Promise<OriginAnswer> {
    const { key } = question
    if (waited && (await this.#isUnshared(key, token))) {
      this.#store.release(key, token)
      return this.alone(question)
    }
    return announced(this.#store, {
      key,
      ask: (told) => this.#askFirst({ ...question, token: told }),
      ended: (answer) => this.#ended(key, token, answer),
      token,
    })
  }

  async #askFirst(question: Question): Promise<OriginAnswer> {
    try {
      return await this.#origin.get(question)
    } catch (error) {
      if (isFailure(error)) await this.#tellUnshared(question.key, failedSpan)
      throw error
    }
  }

  /** Resolves when others need not wait any more. */
  async #ended(key: string, token: string, answer: OriginAnswer): Promise<void> {
    const { entry, content } = answer
    if (entry === undefined) await this.#tellUnshared(key, isUnshared(answer) ? unsharedSpan : failedSpan)
    if (content === undefined) return
    // nobody waits for what is not for others, though it may still be stored
    if (entry === undefined) this.#store.giveBack(key, token)
    const unwatch = entry === undefined ? undefined : this.#watch(key, token, content)
    await content.decided
    unwatch?.()
  }

  /** Tells those who wait that it is in vain. */
  async #tellUnshared(key: string, span: Microseconds): Promise<void> {
    await this.#store.claim(unsharedKey(key), String(span), span)
  }

  /** Gives the lease back when nobody reads on: whoever does later may still store it. */
  #watch(key: string, token: string, content: SharedContent): () => void {
    const isIdle = content.watch()
    const look = (): void => {
      if (isIdle()) this.#store.giveBack(key, token)
      else timer = this.#inAWhile(look)
    }
    let timer = this.#inAWhile(look)
    return () => timer.cancel()
  }

  #inAWhile(look: () => void): Timer {
    return alarm(this.#clock, this.#clock.now() + idleSpan, look, false)
  }

  /** Whether a process has told the others that nobody should wait here: it holds another lease for that. */
  async #isUnshared(key: string, token: string): Promise<boolean> {
    const held = await this.#store.claim(unsharedKey(key), token, leaseSpan)
    if (held === true) this.#store.release(unsharedKey(key), token)
    return held === false
  }
}

/** Statuses that say nothing about what the origin answers otherwise: it wants credentials, or fewer requests. */
const passingStatuses = new Set([401, 407, 429])

/** Whether an answer tells that those of its key are not for others. */
export function isUnshared({ entry, reply: { status } }: OriginAnswer): boolean {
  return entry === undefined && status < 500 && !passingStatuses.has(status)
}

/** What stands for a key whose answers are not for others. */
function unsharedKey(key: string): string {
  return `${key}:unshared`
}
