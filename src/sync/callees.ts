import { type Callee, pack, packPlainly, unpack, type Unpacking } from './portable.ts'
import type { Answer, Ask } from './protocol.ts'

type Post = (answer: Answer) => void

/** So many errors are held until they come back. */
const mostThrown = 1_000

/** The functions of this thread that a worker may call: those among options, and predicates. */
export class Callees {
  readonly #functions = new Map<number, Callee>()
  /** What they threw last: it may come back out of the worker, and is then the same object. Or it stays there. */
  readonly #thrown = new Map<number, unknown>()
  readonly #interrupted: () => void
  #last = 0
  /** Answers for the one that is running now. */
  #post: Post | undefined
  /** Whether the next turn of the event loop will look whether one was interrupted. */
  #isWatched = false

  /** @param interrupted told when a function was ended from outside, and all that waited with it */
  constructor(interrupted: () => void) {
    this.#interrupted = interrupted
  }

  /** Whether one of them is running now, and so the worker standing still. */
  get areRunning(): boolean {
    return this.#post !== undefined
  }

  /** @returns the number that the function may be called by from now on */
  keep(callee: Callee): number {
    this.#functions.set(++this.#last, callee)
    return this.#last
  }

  /** Forgets functions. */
  forget(numbers: readonly number[]): void {
    for (const number of numbers) this.#functions.delete(number)
  }

  /** What was thrown under this number, unless it came back before. */
  takeThrown(number: number): unknown {
    const thrown = this.#thrown.get(number)
    this.#thrown.delete(number)
    return thrown
  }

  /**
   * Calls the function that is asked for, and answers. Whatever it throws is part of the answer, and so is what keeps its
   * result from crossing.
   */
  answer({ ask, args }: Ask, unpacking: Unpacking, post: Post): void {
    this.#post = post
    this.#watch()
    try {
      const value = this.#functions.get(ask)?.(...args.map((each) => unpack(each, unpacking)))
      if (value instanceof Promise) {
        value.catch(() => undefined) // it is told below that nobody can wait for it
        throw new TypeError(
          'this function must return its result at once: the thread that would await it is blocked',
        )
      }
      post({ value: pack(value, 'result', { transfer: [] }) })
    } catch (error) {
      this.#answerThrown(error, post)
    } finally {
      this.#post = undefined
    }
  }

  /** Once a turn, however many are called in it: a thread may be blocked for long. */
  #watch(): void {
    if (this.#isWatched) return
    this.#isWatched = true
    setImmediate(() => this.#endInterrupted()).unref()
  }

  /**
   * In the next turn of the event loop none can be running any more. But a REPL’s Ctrl-C, or the end of a script’s time, ends
   * functions without their `finally`; the worker would wait for ever.
   */
  #endInterrupted(): void {
    this.#isWatched = false
    const post = this.#post
    if (post === undefined) return
    this.#post = undefined
    this.#interrupted()
    this.#answerThrown(new Error('the function was interrupted'), post)
  }

  /** The worker stands still until it is answered. So what it hears of the error is as much as can cross; the caller gets all. */
  #answerThrown(error: unknown, post: Post): void {
    const number = ++this.#last
    this.#thrown.set(number, error)
    // numbers are given one after another, and at most this one is too many
    if (this.#thrown.size > mostThrown) this.#thrown.delete(this.#thrown.keys().next().value as number)
    const whole = (): unknown => pack(error, 'error', { transfer: [] })
    const plain = (): unknown => (error instanceof Error ? packPlainly(error) : undefined)
    if (this.#posted(number, whole, post) || this.#posted(number, plain, post)) return
    post({ thrown: { number, error: undefined } })
  }

  /** @returns whether an error could be packed, and cross */
  #posted(number: number, packed: () => unknown, post: Post): boolean {
    try {
      post({ thrown: { number, error: packed() } })
      return true
    } catch {
      return false // a part of it cannot be read or cloned: it is said with less
    }
  }
}
