import { checkOptions } from '../core/check-options.ts'
import { type Duration, parsePositiveDuration } from '../core/duration.ts'
import type { Timeouts } from '../core/request.ts'

/** Time limits by phase. Phase limits are exact to about half a second above one second, to the millisecond below. */
export interface TimeoutPhases {
  /** The whole call: waiting for slots, redirects, retries and the content. Default: none. */
  readonly total?: Duration
  /** From the transport taking a request, once it has the first piece of content that is a stream, to its being written, a wait for a free connection included. Default: none; a TCP or TLS handshake alone has 10 s. */
  readonly connect?: Duration
  /** From written to the response’s head. Default: 5 minutes. */
  readonly headers?: Duration
  /** Between two pieces of content. Default: 5 minutes. */
  readonly body?: Duration
}

/** A total time limit, limits by phase, or false for none at all. */
export type TimeoutOption = Duration | TimeoutPhases | false

/** The names of {@link TimeoutPhases}. */
export const phases = ['total', 'connect', 'headers', 'body'] as const
const fiveMinutes = 300_000_000

/** What holds when nothing is said. */
export const defaultTimeouts: Timeouts = {
  total: undefined,
  connect: undefined,
  headers: fiveMinutes,
  body: fiveMinutes,
}

/**
 * Reads `timeout`; phases that are not named stay as in `base`.
 * @throws OptionError
 */
export function parseTimeout(option: TimeoutOption, base: Timeouts): Timeouts {
  if (option === false) return { total: undefined, connect: undefined, headers: undefined, body: undefined }
  if (!isPhases(option)) return { ...base, total: parsePositiveDuration(option, 'timeout') }
  checkOptions(option, phases, 'timeout')
  const timeouts: { -readonly [phase in keyof Timeouts]: Timeouts[phase] } = { ...base }
  for (const phase of phases) {
    const limit = option[phase]
    if (limit !== undefined) timeouts[phase] = parsePositiveDuration(limit, `timeout.${phase}`)
  }
  return timeouts
}

/** Whether limits are named by phase, inherited ones too. */
export function isPhases(option: unknown): option is TimeoutPhases {
  return typeof option === 'object' && option !== null && phases.some((phase) => phase in option)
}
