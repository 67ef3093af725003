import { describe } from './duration.ts'
import { OptionError } from './errors.ts'

/**
 * Checks that `options` is a plain object with none but the `known` names.
 * @param where what the options are of, for the message: `Session`, `ratelimit`
 * @throws OptionError naming the unknown option, and the nearest known one
 */
export function checkOptions(options: unknown, known: readonly string[], where: string): void {
  checkObject(options, where)
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const near = nearest(name, known)
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`
    throw new OptionError(`${where}: unknown option '${name}'; ${hint}`)
  }
}

/**
 * Checks that `options` can be options at all.
 * @throws OptionError
 */
export function checkObject(options: unknown, where: string): asserts options is object {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return
  throw new OptionError(`${where}: options must be an object, not ${describe(options)}`)
}

/**
 * Checks that `value` is one of `known`.
 * @throws OptionError naming the option and what it may be
 */
export function checkChoice<T extends string>(value: unknown, known: readonly T[], option: string): T {
  if (known.includes(value as T)) return value as T
  const choices = known.map((choice) => `'${choice}'`).join(', ')
  throw new OptionError(`${option}: ${describe(value)} is not one of ${choices}`)
}

/**
 * Checks that `value` is a whole number of at least `least`.
 * @throws OptionError naming the option
 */
export function checkInteger(value: unknown, least: number, option: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number
  throw new OptionError(`${option}: ${describe(value)} must be a whole number of at least ${least}`)
}

/**
 * Checks that `value` is `true` or `false`.
 * @throws OptionError naming the option
 */
export function checkBoolean(value: unknown, option: string): boolean {
  if (typeof value === 'boolean') return value
  throw new OptionError(`${option}: ${describe(value)} must be true or false`)
}

/**
 * Checks what a function among the options says: `true` or `false`, nothing else.
 * @throws OptionError naming the option
 */
export function checkAnswer(value: unknown, option: string): boolean {
  if (typeof value === 'boolean') return value
  throw new OptionError(`${option}: returned ${describe(value)}; it must return true or false`)
}

/** The known name that is at most two edits away, if there is one. */
function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = 3
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, replaced))
    }
    previous = row
  }
  return previous[b.length] as number
}
