import { type Callee, pack, type Packing, unpack, type Unpacking } from './portable.ts'
import type { Answer, Ask } from './protocol.ts'

/** The functions of this thread that a worker may call: those among options, and predicates. */
export class Callees {
  readonly #functions = new Map<number, Callee>()
  /** What they threw: it may come back out of the worker, and is then the same object. */
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

  /** Calls the function that is asked for. Whatever it throws is part of the answer. */
  answer({ ask, args }: Ask, unpacking: Unpacking, packing: Packing): Answer {
    this.#depth++
    try {
      const value = this.#functions.get(ask)?.(...args.map((each) => unpack(each, unpacking)))
      if (value instanceof Promise) {
        value.catch(() => undefined) // it is told below that nobody can wait for it
        throw new TypeError(
          'this function must return its result at once: the thread that would await it is blocked',
        )
      }
      return { value: pack(value, 'result', packing) }
    } catch (error) {
      this.#thrown.set(++this.#last, error)
      return { thrown: { number: this.#last, error: pack(error, 'error', packing) } }
    } finally {
      this.#depth--
    }
  }
}
