import { type Duration, type Microseconds, parsePositiveDuration } from '../core/duration.ts'
import { configured } from '../session/session-config.ts'

let parsed: { readonly option: Duration | false; readonly limit: Microseconds } | undefined

/** Milliseconds of `SessionConfig.threadedTimeout`, as it is now. @throws OptionError */
export function threadedTimeout(): number {
  const option = configured.threadedTimeout
  if (parsed?.option !== option) {
    const limit =
      option === false ? Number.POSITIVE_INFINITY : parsePositiveDuration(option, 'threadedTimeout')
    parsed = { option, limit }
  }
  return parsed.limit / 1_000
}
