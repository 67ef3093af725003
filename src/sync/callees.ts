import { type Callee, pack, packPlainly, unpack, type Unpacking } from './portable.ts'
import type { Answer, Ask } from './protocol.ts'

/** So many errors are held until they come back. */
const mostThrown = 1_000

/** The functions of this thread that a worker may call: those among options, and predicates. */
export class Callees {
  readonly #functions = new Map<number, Callee>()
  /** What they threw last: it may come back out of the worker, and is then the same object. Or it stays there. */
  readonly #thrown = new Map<number, unknown>()
  #last = 0
  #depth = 0

  /** Whether one of them is running now, and so the worker standing still. */
  get areRunning(): boolean {
    return this.#depth > 0
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
  answer({ ask, args }: Ask, unpacking: Unpacking, post: (answer: Answer) => void): void {
    this.#depth++
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
      this.#depth--
    }
  }

  /** The worker stands still until it is answered. So what it hears of the error is as much as can cross; the caller gets all. */
  #answerThrown(error: unknown, post: (answer: Answer) => void): void {
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
  #posted(number: number, packed: () => unknown, post: (answer: Answer) => void): boolean {
    try {
      post({ thrown: { number, error: packed() } })
      return true
    } catch {
      return false // a part of it cannot be read or cloned: it is said with less
    }
  }
}
