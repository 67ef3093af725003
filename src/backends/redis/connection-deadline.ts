/**
 * Settles as `promise` does, or rejects at the deadline with what `late` returns. Keeps the process alive till then.
 * When the event loop was held up, what has arrived meanwhile is looked at before the deadline is.
 * @param deadline on the clock of `performance.now()`
 */
export function within<T>(promise: Promise<T>, deadline: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    let verdict: NodeJS.Immediate | undefined
    const timer = setTimeout(
      // Timers come before sockets in a turn of the event loop, and immediates behind both
      () => (verdict = setImmediate(() => reject(late()))),
      Math.max(Math.ceil(deadline - performance.now()), 0),
    )
    const stop = (): void => {
      clearTimeout(timer)
      clearImmediate(verdict)
    }
    promise.then(
      (value) => {
        stop()
        resolve(value)
      },
      (error: unknown) => {
        stop()
        // oxlint-disable-next-line prefer-promise-reject-errors -- whatever the client rejects with
        reject(error)
      },
    )
  })
}
