import { TimeoutError } from '../core/errors.ts'

const hint =
  'this thread has a server listening, which cannot answer while a SyncSession blocks the thread; if that is who was ' +
  'asked, run it in another process or thread, or use Session'

/** What to say of a time that is up: a program that asks its own server would wait for ever. */
export function serverHint(): string {
  const listens = process.getActiveResourcesInfo().some((name) => /^(TCP|Pipe)ServerWrap$/.test(name))
  return listens ? `; ${hint}` : ''
}

/** The error with a word on what may have caused it here. */
export function explained(error: Error): Error {
  if (!(error instanceof TimeoutError)) return error
  const text = serverHint()
  if (text === '') return error
  const { message, stack } = error
  const longer = `${message}${text}`
  error.message = longer
  redefine(
    error,
    stack?.replace(message, () => longer),
  )
  return error
}

/** The error with this thread’s stack below the worker’s. */
export function calledFrom(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const here: { stack?: string } = {}
  Error.captureStackTrace(here, calledFrom)
  const lines = here.stack?.split('\n').slice(1).join('\n')
  if (lines !== undefined && lines !== '')
    redefine(error, `${error.stack}\n    at SyncSession (the calling thread)\n${lines}`)
  return error
}

function redefine(error: Error, stack: string | undefined): void {
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
}
