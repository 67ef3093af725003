import type { BatchSession } from '../../src/batch/contract.ts'
import type { Clock } from '../../src/core/clock.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

/** What the fake session answers with. */
export interface Answer {
  readonly url: string
  readonly method: string
  readonly error?: Error
  readonly callbacks?: readonly unknown[]
}

/** The request options of the fake session. */
export interface Options {
  readonly method?: string
  readonly signal?: AbortSignal
  readonly headers?: Record<string, string>
}

/** A request that waits for the test to answer it. */
export interface Sent {
  readonly url: string
  readonly index: number
  readonly options: Options
  answer(error?: Error): void
}

type Session = BatchSession<Answer, string, Options>

/**
 * A session without a network: `sent` are the requests so far. Each is answered at once, unless `hold`;
 * a URL with 'fail' in it gets a network-error response, one with 'bad' throws, and all obey their signal.
 */
export class FakeSession implements Session {
  readonly clock: Clock
  readonly sent: Sent[] = []
  readonly checked: Options[] = []
  hold = false
  waitingFor: number | undefined
  defaults = {
    returnCallbacks: false,
    runCallbacksOnError: false,
    printCallbackExceptions: false,
    printCallbackTracebacks: false,
  }

  constructor(clock: Clock = new ManualClock()) {
    this.clock = clock
  }

  /** Requests that are not answered yet. */
  inFlight = 0

  check(options: Options): void {
    this.checked.push(options)
    if ('headres' in options) throw new TypeError('unknown option headres')
  }

  send(url: string, index: number, options: Options): Promise<Answer> {
    if (url.includes('bad')) throw new TypeError(`bad URL ${url}`)
    this.inFlight++
    return new Promise((resolve) => {
      const answer = (error = url.includes('fail') ? new Error(`lost ${url}`) : undefined): void => {
        this.inFlight--
        options.signal?.removeEventListener('abort', abort)
        const { method = 'GET' } = options
        resolve(error === undefined ? { url, method } : { url, method, error })
      }
      const abort = (): void => answer(new Error('aborted'))
      options.signal?.addEventListener('abort', abort)
      this.sent.push({ url, index, options, answer })
      if (!this.hold) answer()
    })
  }

  failed(url: string, error: Error): Answer {
    return { url, method: '', error }
  }

  withCallbacks(answer: Answer, callbacks: readonly unknown[]): Answer {
    return { ...answer, callbacks }
  }

  waiting(): number | undefined {
    return this.waitingFor
  }
}
