import { type Linked, LinkedList } from '../../core/linked-list.ts'

/** When the event loop was held up, a call may only just have been sent: how long its answer is waited for then. */
const grace = 100 // ms

/** What is made of how a call ends, before whoever waits for it hears of that. */
export interface Outcome {
  /** @returns what it fails with when its deadline has passed */
  late(): unknown
  /** It was answered in time. */
  answered?(): void
  /** It failed, or its deadline has passed. @returns what whoever waits is told instead */
  failed?(cause: unknown): unknown
}

/** A call that is under way. */
interface Call extends Linked<Call> {
  /** On the clock of `performance.now()`. */
  readonly deadline: number
  readonly outcome: Outcome
  readonly reject: (cause: unknown) => void
  /** Its deadline has passed; it is about to be given up. */
  isDue: boolean
}

/** Ends calls by their deadlines, and keeps the process alive till then: by one timer for all of them. */
export class Deadlines {
  readonly #calls = new LinkedList<Call>()
  #timer: NodeJS.Timeout | undefined
  /** When it fires: no later than the first deadline. */
  #timerAt = 0

  /**
   * Settles as `promise` does, or rejects at the deadline.
   * @param deadline on the clock of `performance.now()`
   */
  within<T>(promise: Promise<T>, deadline: number, outcome: Outcome): Promise<T> {
    return new Promise((resolve, reject) => {
      const call: Call = {
        deadline,
        outcome,
        reject,
        isDue: false,
        previous: undefined,
        next: undefined,
        list: undefined,
      }
      this.#add(call)
      const answered = (value: T): void => {
        if (!this.#remove(call)) return
        outcome.answered?.()
        resolve(value)
      }
      promise.then(answered, (cause: unknown) => this.#fail(call, () => cause))
    })
  }

  #fail(call: Call, why: () => unknown): void {
    if (!this.#remove(call)) return
    const { outcome, reject } = call
    const cause = why()
    reject(outcome.failed === undefined ? cause : outcome.failed(cause))
  }

  #add(call: Call): void {
    this.#calls.insert(call, this.#calls.tail)
    if (this.#timer !== undefined && this.#timerAt > call.deadline) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    if (this.#timer === undefined) this.#arm(call.deadline)
    else if (this.#calls.size === 1) this.#timer.ref()
  }

  /** @returns whether it was there */
  #remove(call: Call): boolean {
    if (call.list === undefined) return false
    this.#calls.remove(call)
    if (this.#calls.size === 0) this.#timer?.unref()
    return true
  }

  #arm(deadline: number): void {
    this.#timerAt = deadline
    this.#timer = setTimeout(this.#look, Math.max(Math.ceil(deadline - performance.now()), 0))
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const now = performance.now()
    let first = Number.POSITIVE_INFINITY
    for (const call of this.#calls) {
      if (call.deadline > now) first = Math.min(first, call.deadline)
      else if (!call.isDue) this.#judge(call, now)
    }
    if (first < Number.POSITIVE_INFINITY) this.#arm(first)
  }

  /** Timers come before sockets in a turn of the event loop, and immediates behind both: what has come in is read first. */
  #judge(call: Call, now: number): void {
    call.isDue = true
    const giveUp = (): void => this.#fail(call, () => call.outcome.late())
    if (now - call.deadline < grace) setImmediate(giveUp)
    else setTimeout(() => setImmediate(giveUp), grace)
  }
}
