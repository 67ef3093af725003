/** When the event loop was held up, a call may only just have been sent: how long its answer is waited for then. */
const grace = 100 // ms

/** A call that is under way. */
interface Call {
  /** On the clock of `performance.now()`. */
  readonly deadline: number
  readonly expire: () => void
  /** Its deadline has passed; it is about to be given up. */
  isDue: boolean
}

/** Ends calls by their deadlines, and keeps the process alive till then: by one timer for all of them. */
export class Deadlines {
  readonly #calls = new Set<Call>()
  #timer: NodeJS.Timeout | undefined
  /** When it fires: no later than the first deadline. */
  #timerAt = 0

  /**
   * Settles as `promise` does, or rejects at the deadline with what `late` returns.
   * @param deadline on the clock of `performance.now()`
   */
  within<T>(promise: Promise<T>, deadline: number, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const call: Call = { deadline, expire: () => reject(late()), isDue: false }
      this.#add(call)
      promise.then(
        (value) => this.#answered(call, resolve, value),
        (error: unknown) => this.#answered(call, reject, error),
      )
    })
  }

  #answered<T>(call: Call, settle: (answer: T) => void, answer: T): void {
    this.#remove(call)
    settle(answer)
  }

  #add(call: Call): void {
    this.#calls.add(call)
    if (this.#timer !== undefined && this.#timerAt > call.deadline) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    if (this.#timer === undefined) this.#arm(call.deadline)
    else if (this.#calls.size === 1) this.#timer.ref()
  }

  /** @returns whether it was there */
  #remove(call: Call): boolean {
    const wasThere = this.#calls.delete(call)
    if (this.#calls.size === 0) this.#timer?.unref()
    return wasThere
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
    const giveUp = (): void => {
      if (this.#remove(call)) call.expire()
    }
    if (now - call.deadline < grace) setImmediate(giveUp)
    else setTimeout(() => setImmediate(giveUp), grace)
  }
}
