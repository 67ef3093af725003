import type { Backend } from '../backends/contract.ts'
import { MemoryBackend } from '../backends/memory/memory-backend.ts'
import { RedisBackend } from '../backends/redis/redis-backend.ts'
import { parseRedisOptions, redisOptionNames } from '../backends/redis/redis-options.ts'
import { parseDatabase, SqliteBackend } from '../backends/sqlite/sqlite-backend.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { describe, type Microseconds } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { RawOptions } from './rule-options.ts'

const kinds = ['memory', 'sqlite', 'redis'] as const

/** Which backend it is, when a limiter makes its own. */
export type BackendKind = (typeof kinds)[number]

/** The options that say where each of them keeps its limits. */
const optionsOf: Readonly<Record<BackendKind, readonly string[]>> = {
  memory: [],
  sqlite: ['db', 'conn'],
  redis: redisOptionNames,
}

/** The names of all options that say where limits are kept. */
export const backendOptionNames: readonly string[] = [
  'backend',
  ...new Set(kinds.flatMap((kind) => optionsOf[kind])),
]

/** A backend that was passed in, or how to make one. */
export type BackendChoice =
  | { readonly given: Backend }
  | { readonly given: undefined; readonly kind: BackendKind; readonly place: object }

/**
 * Checks the options that say where limits are kept.
 * @throws OptionError naming the option that is wrong, or another backend’s
 */
export function parseBackend(options: RawOptions, where: string): BackendChoice {
  const { backend = 'memory' } = options
  const kind = kinds.find((name) => name === backend)
  if (kind === undefined && !isBackend(backend)) {
    const names = kinds.map((name) => `'${name}'`).join(', ')
    throw new OptionError(`backend: ${describe(backend)} is none of ${names} and a backend`)
  }
  const own = kind === undefined ? [] : optionsOf[kind]
  const given = backendOptionNames.filter((name) => name !== 'backend' && options[name] !== undefined)
  const foreign = given.find((name) => !own.includes(name))
  if (foreign !== undefined) {
    const owners = kinds.filter((name) => optionsOf[name].includes(foreign)).map((name) => `'${name}'`)
    throw new OptionError(
      `${where}: ${foreign} belongs to backend ${owners.join(' or ')}; backend is ${describe(backend)}`,
    )
  }
  if (kind === undefined) return { given: backend as Backend }
  const place = Object.fromEntries(given.map((name) => [name, options[name]]))
  if (kind === 'sqlite') parseDatabase(place)
  if (kind === 'redis') parseRedisOptions(place)
  return { given: undefined, kind, place }
}

/** A new backend, of checked options. @param clock the limiter’s */
export function createBackend(
  { kind, place }: { readonly kind: BackendKind; readonly place: object },
  clock: Clock,
  checkFrequency: Microseconds,
): Backend {
  const sweep = { checkFrequency: { microseconds: checkFrequency } }
  if (kind === 'memory') return new MemoryBackend({ clock, ...sweep })
  // The machine’s clock is this process’s own: others have one that all who share the backend go by.
  const shared = clock === systemClock ? {} : { clock }
  return kind === 'sqlite'
    ? new SqliteBackend({ ...place, ...shared, ...sweep })
    : new RedisBackend({ ...place, ...shared })
}

function isBackend(value: unknown): value is Backend {
  return typeof value === 'object' && value !== null && 'limits' in value
}
