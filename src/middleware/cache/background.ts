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

/** A signal that fires when the time that the request may take in all is over; what nobody waits for has no less. */
export function deadlineOf({ timeouts }: Request, clock: Clock): { signal: AbortSignal; cancel: () => void } {
  const controller = new AbortController()
  if (timeouts.total === undefined) return { signal: controller.signal, cancel: () => undefined }
  const timer = alarm(clock, clock.now() + timeouts.total, () => controller.abort())
  return { signal: controller.signal, cancel: () => timer.cancel() }
}
