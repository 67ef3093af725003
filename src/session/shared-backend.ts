import { backendOptionNames, createBackend, parseBackend } from '../backends/backend-options.ts'
import type { Backend } from '../backends/contract.ts'
import { parseCacheOptions } from '../cache/options.ts'
import type { Clock } from '../core/clock.ts'
import { parseRatelimitOptions } from '../ratelimit/options.ts'
import type { SplitOptions } from './feature-options.ts'

/** Options of a session whose limiter and cache use one backend. */
export interface SharedBackend {
  readonly options: SplitOptions
  /** The backend that was made for both; undefined when each is to make its own, or was given one. */
  readonly backend: Backend | undefined
}

/**
 * Makes one backend for the limiter and the cache when both name the same file or server: they share its connection, and
 * a temporary server.
 * @throws OptionError
 */
export function shareBackend(options: SplitOptions, clock: Clock): SharedBackend {
  const { ratelimit, cache } = options
  const place = { ...cache } as Readonly<Record<string, unknown>>
  const other = { ...ratelimit } as typeof place
  const isShared = place.backend !== 'memory' && typeof place.backend === 'string'
  if (!isShared || backendOptionNames.some((name) => place[name] !== other[name])) {
    return { options, backend: undefined }
  }
  const choice = parseBackend(place, 'cache')
  if (choice.given !== undefined) return { options, backend: undefined }
  const { maxSize, maxEntrySize, checkFrequency } = parseCacheOptions({ ...cache }, 'cache')
  const { checkFrequency: ofLimits } = parseRatelimitOptions(ratelimit, 'ratelimit')
  const backend = createBackend(choice, {
    clock,
    maxSize,
    maxEntrySize,
    checkFrequency: Math.min(checkFrequency, ofLimits),
  })
  return {
    options: {
      ...options,
      ratelimit: { ...without(other, backendOptionNames), backend },
      cache: { ...without(place, [...backendOptionNames, 'maxSize']), backend },
    },
    backend,
  }
}

function without(options: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name)))
}
