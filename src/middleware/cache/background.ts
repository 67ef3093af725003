import { alarm, type Clock } from '../../core/clock.ts'
import { filterFields } from '../../core/field-list.ts'
import type { Request } from '../../core/request.ts'

/** Fields of one caller’s wishes: whoever asks for all leaves them out. */
const ownFields = new Set([
  'cache-control',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'pragma',
  'range',
])

/** The request for the whole response that a conditional one, or a HEAD, is about. */
export function withoutConditions(request: Request): Request {
  const headers = filterFields(request.headers, (name) => !ownFields.has(name))
  return { ...request, method: 'GET', headers, reading: 'buffered', signal: undefined, observer: undefined }
}

/** A request of which no more is read than `size` bytes. */
export function atMost(size: number, request: Request): Request {
  return { ...request, maxResponseSize: Math.min(size, request.maxResponseSize) }
}

/** How long something in the background may go on. */
interface Deadline {
  readonly signal: AbortSignal
  readonly cancel: () => void
}

/**
 * Ends when the time that the request may take in all is over, and when the session closes: nobody waits for it.
 * @param closing fires when the session closes
 */
export function deadlineOf({ timeouts }: Request, clock: Clock, closing: AbortSignal | undefined): Deadline {
  const controller = new AbortController()
  const end = (): void => controller.abort()
  if (closing?.aborted === true) end()
  closing?.addEventListener('abort', end, { once: true })
  const timer = timeouts.total === undefined ? undefined : alarm(clock, clock.now() + timeouts.total, end)
  const cancel = (): void => {
    timer?.cancel()
    closing?.removeEventListener('abort', end)
  }
  return { signal: controller.signal, cancel }
}
