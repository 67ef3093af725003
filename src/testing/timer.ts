/** Options of {@link timer}. */
export interface TimerOptions {
  /** Where the line goes; default: stderr. */
  readonly log?: (line: string) => void
}

/** A function that tells how long it took. */
export interface TimedFunction<Args extends readonly unknown[], Result> {
  (...args: Args): Result extends PromiseLike<infer Value> ? Promise<Value> : Result
  /** Milliseconds of the call that ended last; undefined before that. */
  readonly last: number | undefined
}

/** What {@link timed} gives back. */
export interface Timing<Result> {
  readonly result: Result
  /** Milliseconds. */
  readonly elapsed: number
}

/**
 * Wraps a function so that each call says how long it took, from the call to the result, or to the end of
 * the promise it returns. Results and errors pass unchanged.
 * @example
 * const fetchAll = timer(function fetchAll() { return session.requests(urls) })
 * await fetchAll() // fetchAll: 9.004 s
 */
export function timer<Args extends unknown[], Result>(
  fn: (...args: Args) => Result,
  { log = toStderr }: TimerOptions = {},
): TimedFunction<Args, Result> {
  let last: number | undefined
  const wrapped = function (this: unknown, ...args: Args): unknown {
    return measure(
      () => fn.apply(this, args),
      (elapsed) => {
        last = elapsed
        log(`${fn.name === '' ? 'anonymous' : fn.name}: ${formatElapsed(elapsed)}`)
      },
    )
  }
  return Object.defineProperties(wrapped, {
    name: { value: fn.name },
    last: { get: () => last },
  }) as TimedFunction<Args, Result>
}

/**
 * Calls a function and gives back its result with the milliseconds it took; a promise of that where it
 * returns a promise. Errors pass unchanged.
 */
export function timed<Args extends unknown[], Result>(
  fn: (...args: Args) => Result,
  ...args: Args
): Result extends PromiseLike<infer Value> ? Promise<Timing<Value>> : Timing<Result>
export function timed(fn: (...args: unknown[]) => unknown, ...args: unknown[]): unknown {
  let elapsed = 0
  const result = measure(
    () => fn(...args),
    (milliseconds) => {
      elapsed = milliseconds
    },
  )
  return result instanceof Promise
    ? result.then((value) => ({ result: value, elapsed }))
    : { result, elapsed }
}

/** Runs `call`; `done` gets the milliseconds once it has ended, also when it failed. */
function measure(call: () => unknown, done: (elapsed: number) => void): unknown {
  const startedAt = performance.now()
  const end = (): void => done(performance.now() - startedAt)
  let result: unknown
  try {
    result = call()
  } catch (error) {
    end()
    throw error
  }
  if (isThenable(result)) return Promise.resolve(result).finally(end)
  end()
  return result
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

function formatElapsed(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1_000).toFixed(3)} s`
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}
