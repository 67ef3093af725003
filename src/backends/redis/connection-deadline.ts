/** When the event loop was held up, a call may only just have been sent: how long its answer is waited for then. */
const grace = 100 // ms

/**
 * Settles as `promise` does, or rejects at the deadline with what `late` returns. Keeps the process alive till then.
 * @param deadline on the clock of `performance.now()`
 */
export function within<T>(promise: Promise<T>, deadline: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    let verdict: NodeJS.Immediate | undefined
    // Timers come before sockets in a turn of the event loop, and immediates behind both: what has come in is read
    const judge = (): void => void (verdict = setImmediate(() => reject(late())))
    const expire = (): void => {
      if (performance.now() - deadline < grace) judge()
      else timer = setTimeout(judge, grace)
    }
    let timer = setTimeout(expire, Math.max(Math.ceil(deadline - performance.now()), 0))
    const stop = (): void => {
      clearTimeout(timer)
      clearImmediate(verdict)
    }
    promise.then(stop, stop)
    promise.then(resolve, reject)
  })
}
