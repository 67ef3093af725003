import type { BatchOptions } from '../batch/options.ts'
import { OptionError } from '../core/errors.ts'
import type { Response } from '../http/response.ts'
import type { RequestOptions } from './request-options.ts'

/** Options of one request. */
export type SessionRequestOptions = RequestOptions<Response>

/** What makes sense only for responses that are read to their end. */
const bufferedOnly = [
  'callbacks',
  'returnCallbacks',
  'raiseErrors',
] as const satisfies (keyof SessionRequestOptions)[]

/** Options of `stream`. */
export interface StreamOptions extends Omit<SessionRequestOptions, (typeof bufferedOnly)[number]> {
  /** Default: GET. */
  readonly method?: string
}

/** Options of `requests`. */
export type SessionBatchOptions = BatchOptions<Response, SessionRequestOptions>

/** @throws OptionError for what would mean nothing */
export function checkStreamOptions(options: StreamOptions): StreamOptions {
  const misplaced = bufferedOnly.find((name) => name in options)
  if (misplaced === undefined) return options
  throw new OptionError(`${misplaced}: a stream has no place for it; it is for get(), request() and the like`)
}
