import { describe } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'

/** Things that come one by one. */
export type Many<T> = Iterable<T> | AsyncIterable<T>

/** A target and its own method. */
export interface Job<Target> {
  readonly target: Target
  readonly method: string
}

/**
 * The targets as an iterable. A string is one URL, never its characters; so is anything that cannot be iterated.
 * @throws OptionError when it cannot be a target at all
 */
export function asMany<Target>(targets: Target | Many<Target>): Many<Target> {
  if (isMany(targets)) return targets as Many<Target>
  if (typeof targets === 'string' || (typeof targets === 'object' && targets !== null)) {
    return [targets as Target]
  }
  throw new OptionError(`urls: ${describe(targets)} is not a URL, a request object, or an iterable of them`)
}

/** Whether it is an iterable of things, and not one thing. */
export function isMany(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Symbol.iterator in value || Symbol.asyncIterator in value
}

/** How many there are, where that can be known without pulling any. */
export function knownLength(many: object): number | undefined {
  if (Array.isArray(many)) return many.length
  return many instanceof Set ? many.size : undefined
}

/**
 * Gives each target its own method. Pulls nothing yet.
 * @throws OptionError when the lengths are known and differ. Where they are not, what is returned throws
 * it at the point where one of the two ends.
 */
export function pairWithMethods<Target>(targets: Many<Target>, methods: Many<string>): Many<Job<Target>> {
  const targetCount = knownLength(targets)
  const methodCount = knownLength(methods)
  if (targetCount !== undefined && methodCount !== undefined && targetCount !== methodCount) {
    throw lengthMismatch(`${methodCount} methods for ${targetCount} urls`)
  }
  if (Symbol.asyncIterator in targets || Symbol.asyncIterator in methods) return pairAsync(targets, methods)
  return pairSync(targets, methods)
}

function* pairSync<Target>(
  targets: Iterable<Target>,
  methods: Iterable<string>,
): Generator<Job<Target>, void, undefined> {
  const methodIterator = methods[Symbol.iterator]()
  try {
    for (const target of targets) yield pair(target, methodIterator.next())
    checkEnded(methodIterator.next())
  } finally {
    methodIterator.return?.()
  }
}

async function* pairAsync<Target>(
  targets: Many<Target>,
  methods: Many<string>,
): AsyncGenerator<Job<Target>, void, undefined> {
  const methodIterator =
    Symbol.asyncIterator in methods ? methods[Symbol.asyncIterator]() : methods[Symbol.iterator]()
  try {
    for await (const target of targets) yield pair(target, await methodIterator.next())
    checkEnded(await methodIterator.next())
  } finally {
    await methodIterator.return?.()
  }
}

function pair<Target>(target: Target, method: IteratorResult<string>): Job<Target> {
  if (method.done) throw lengthMismatch('there are fewer methods than urls')
  return { target, method: method.value }
}

function checkEnded(method: IteratorResult<string>): void {
  if (!method.done) throw lengthMismatch('there are more methods than urls')
}

function lengthMismatch(what: string): OptionError {
  return new OptionError(`method: ${what}; give one method for all, or one for each url`)
}
