import { describe } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'

/** Names with values: an object, or `[name, value]` pairs, as `Map`, `Headers` and `URLSearchParams` give them. */
export type Entries<Value> = Readonly<Record<string, Value>> | Iterable<readonly [string, Value]>

/**
 * The pairs of what an option says.
 * @throws OptionError when it is neither an object nor pairs
 */
export function entriesOf<Value>(given: Entries<Value>, option: string): (readonly [string, Value])[] {
  if (typeof given !== 'object' || given === null) {
    throw new OptionError(`${option}: ${describe(given)} must be an object or [name, value] pairs`)
  }
  if (!(Symbol.iterator in given)) return Object.entries(given)
  const pairs = [...(given as Iterable<readonly [string, Value]>)]
  const stranger = pairs.findIndex((pair: unknown) => !isPair(pair))
  if (stranger === -1) return pairs
  throw new OptionError(`${option}: ${describe(pairs[stranger])} is no [name, value] pair`)
}

/** The same pairs, for whoever asks however often: from a generator, say, they come only once, and are pulled here. */
export function lasting<Given extends Entries<unknown>>(given: Given): Given {
  const comesOnce = typeof given === 'object' && given !== null && Symbol.iterator in given && 'next' in given
  return comesOnce ? ([...(given as Iterable<unknown>)] as unknown as Given) : given
}

/**
 * A value as it is sent: strings, numbers and their like.
 * @throws OptionError for what would only become `[object Object]`
 */
export function sentText(value: unknown, option: string): string {
  if (plainTypes.has(typeof value)) return String(value)
  throw new OptionError(`${option}: ${describe(value)} cannot be sent; give text or a number`)
}

const plainTypes = new Set(['string', 'number', 'boolean', 'bigint'])

function isPair(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string'
}
