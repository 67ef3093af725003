import type { Clock, Timer } from '../core/clock.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { type Linked, LinkedList } from '../core/linked-list.ts'

/** A call that is under way. */
interface Call extends Linked<Call> {
  readonly deadlineAt: Microseconds
  readonly expire: () => void
}

/** Ends calls that take too long. All are given the same time, so one timer and a list in order do for any number. */
export class CallDeadlines {
  readonly #clock: Clock
  readonly #longest: Microseconds
  readonly #calls = new LinkedList<Call>()
  #timer: Timer | undefined

  /** @param longest the time that a call is given */
  constructor(clock: Clock, longest: Microseconds) {
    this.#clock = clock
    this.#longest = longest
  }

  /**
   * The answer, if it comes in time; else a rejection with ERR_BACKEND.
   * @param late is told an answer that comes afterwards; a failure that comes then is of no interest
   */
  within<T>(answer: Promise<T>, late?: (answer: T) => void): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const call: Call = {
      deadlineAt: this.#clock.now() + this.#longest,
      expire: () => reject(this.#tooLate()),
      previous: undefined,
      next: undefined,
      list: undefined,
    }
    this.#calls.insert(call, this.#calls.tail)
    if (this.#timer === undefined) this.#arm()
    const answered = (value: T): void => {
      if (this.#end(call)) resolve(value)
      else late?.(value)
    }
    const failed = (error: unknown): void => {
      if (this.#end(call)) reject(error)
    }
    answer.then(answered, failed)
    return promise
  }

  /** @returns whether the call is in time */
  #end(call: Call): boolean {
    if (call.list === undefined) return false
    this.#calls.remove(call)
    if (this.#calls.size === 0) this.#disarm()
    return true
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const now = this.#clock.now()
    for (let first = this.#calls.head; first !== undefined; first = this.#calls.head) {
      if (first.deadlineAt > now) break
      this.#calls.remove(first)
      first.expire()
    }
    this.#arm()
  }

  #arm(): void {
    const first = this.#calls.head
    if (first !== undefined) this.#timer = this.#clock.timer(first.deadlineAt, this.#look, true)
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #tooLate(): SessionError {
    const longest = toMilliseconds(this.#longest)
    return new SessionError('ERR_BACKEND', `the backend of limits did not answer within ${longest} ms`)
  }
}
