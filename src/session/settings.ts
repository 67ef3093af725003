import type { CallbackRun, CallbackSettings } from '../batch/callbacks.ts'
import type { BatchDefaults } from '../batch/contract.ts'
import type { Response } from '../http/response.ts'
import type { SessionBatchOptions } from './call-options.ts'
import { configured, type SessionConfigValues } from './session-config.ts'
import type { SessionOptions } from './session-options.ts'

/** The settings that a session and `SessionConfig` both may say. */
type Setting = keyof SessionOptions & keyof SessionConfigValues

/** What holds for the calls of one session, blocking or not, where a call does not say otherwise. */
export class Settings {
  readonly #options: SessionOptions

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** The session’s own word, else SessionConfig’s, as it is now. */
  of<Name extends Setting>(name: Name): SessionConfigValues[Name] {
    return this.#options[name] ?? configured[name]
  }

  /** What is done with callbacks and their results. */
  get callbacks(): BatchDefaults {
    return {
      returnCallbacks: this.of('returnCallbacks'),
      runCallbacksOnError: this.of('runCallbacksOnError'),
      printCallbackExceptions: this.of('printCallbackExceptions'),
      printCallbackTracebacks: this.of('printCallbackTracebacks'),
    }
  }

  /** The options of a batch, complete in what the session decides. */
  batch(options: SessionBatchOptions): SessionBatchOptions {
    const {
      raiseErrors = this.of('raiseErrors') ?? false,
      concurrency = configured.semaphore,
      ...rest
    } = options
    return { ...rest, concurrency, raiseErrors }
  }

  /** Says on stderr what came of a request, with `debug`. */
  tell(response: Response): void {
    if (!this.of('debug')) return
    const { method, url, status, elapsed } = response
    process.stderr.write(`${method} ${url} -> ${status} in ${elapsed} ms\n`)
  }
}

/** How the callbacks of a single request run. */
export function singleRun({
  printCallbackExceptions,
  printCallbackTracebacks,
}: CallbackSettings): CallbackRun {
  return {
    printCallbackExceptions,
    printCallbackTracebacks,
    index: undefined,
    around: (call) => call(),
    print: (line) => process.stderr.write(`${line}\n`),
  }
}
