import { describe } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'

/** Called with each response, and with its number where it is one of many; may be async. */
export type Callback<Response> = (response: Response, index: number | undefined) => unknown

/** What is told of callbacks that throw. */
export interface CallbackSettings {
  /** Print their messages. */
  readonly printCallbackExceptions: boolean
  /** Print their stacks. */
  readonly printCallbackTracebacks: boolean
}

/** How callbacks are called. */
export interface CallbackRun extends CallbackSettings {
  /** The request’s number, where it is one of many. */
  readonly index: number | undefined
  /** Calls a callback; the place for whatever must surround it. */
  readonly around: (call: () => unknown) => unknown
  /** Prints a line about an exception. */
  readonly print: (line: string) => void
}

/**
 * Calls the callbacks one after another, waiting for each. One that throws does not keep the next from
 * being called. Never rejects.
 * @returns what they returned; in the place of one that threw, a SessionError ERR_CALLBACK with its cause
 */
export async function runCallbacks<Response>(
  response: Response,
  callbacks: readonly Callback<Response>[],
  run: CallbackRun,
): Promise<readonly unknown[]> {
  const results: unknown[] = []
  for (const [position, callback] of callbacks.entries()) {
    try {
      results.push(await run.around(() => callback(response, run.index)))
    } catch (cause) {
      results.push(failedCallback(callback, position, cause, run))
    }
  }
  return results
}

/** What stands for a callback that threw, after telling of it as `run` says. */
export function failedCallback(
  callback: { readonly name: string },
  position: number,
  cause: unknown,
  run: CallbackRun,
): SessionError {
  const name = callback.name === '' ? `#${position + 1}` : callback.name
  const report = reportOf(cause, run)
  if (report !== undefined) run.print(`${numberPrefix(run.index)}callback ${name}: ${report}`)
  return new SessionError('ERR_CALLBACK', `callback ${name} threw: ${messageOf(cause)}`, { cause })
}

/** What a line about request `index` starts with. */
export function numberPrefix(index: number | undefined): string {
  return index === undefined ? '' : `on ${index}: `
}

function reportOf(cause: unknown, settings: CallbackSettings): string | undefined {
  if (settings.printCallbackTracebacks && cause instanceof Error) return cause.stack ?? messageOf(cause)
  return settings.printCallbackExceptions || settings.printCallbackTracebacks ? messageOf(cause) : undefined
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : describe(cause)
}
