import { type Callback, type CallbackRun, failedCallback } from '../batch/callbacks.ts'

/**
 * As `runCallbacks`, without waiting: this thread cannot await anything while it is blocked. A callback that
 * returns a promise has failed.
 */
export function runCallbacksNow<Response>(
  response: Response,
  callbacks: readonly Callback<Response>[],
  run: CallbackRun,
): readonly unknown[] {
  return callbacks.map((callback, position) => {
    try {
      return run.around(() => immediate(callback(response, run.index)))
    } catch (cause) {
      return failedCallback(callback, position, cause, run)
    }
  })
}

function immediate(result: unknown): unknown {
  if (!(result instanceof Promise)) return result
  result.catch(() => undefined) // it is told here that nobody can wait for it
  throw new TypeError(
    'it returned a promise, which a SyncSession cannot await: use Session for async callbacks',
  )
}
