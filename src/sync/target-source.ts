import { asMany, type Job, type Many, pairWithMethods } from '../batch/targets.ts'
import { OptionError } from '../core/errors.ts'
import type { BatchTarget } from '../session/batch-session.ts'
import { adviceFor } from './advice.ts'

/** The targets of a batch, pulled one by one by the thread that they live in. */
export class TargetSource {
  /** As they were given. */
  readonly many: Many<BatchTarget>
  readonly #iterator: Iterator<BatchTarget | Job<BatchTarget>>
  readonly #hasMethods: boolean
  #isOpen = true

  /** @throws OptionError */
  constructor(urls: BatchTarget | Many<BatchTarget>, method: string | Many<string> | undefined) {
    this.many = asMany(urls)
    const targets: Iterable<BatchTarget> = plain(this.many, 'urls')
    this.#hasMethods = typeof method === 'object'
    this.#iterator = this.#hasMethods
      ? plain(pairWithMethods(targets, plain(method as Many<string>, 'method')), 'urls')[Symbol.iterator]()
      : targets[Symbol.iterator]()
  }

  /** Whether there may be more. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The next target, with its method where each has one. @throws what the iterable throws */
  next(): IteratorResult<unknown, undefined> {
    try {
      const { done, value } = this.#iterator.next()
      if (done !== true)
        return { done: false, value: this.#hasMethods ? withMethod(value as Job<BatchTarget>) : value }
      this.#isOpen = false
      return { done, value: undefined }
    } catch (error) {
      this.#isOpen = false
      throw error
    }
  }

  /** Nothing more is wanted of it. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#iterator.return?.()
  }
}

/** What a request says itself beats the list. */
function withMethod({ target, method }: Job<BatchTarget>): unknown {
  return typeof target === 'string' || target instanceof URL ? { url: target, method } : { method, ...target }
}

function plain<Item>(many: Many<Item>, option: string): Iterable<Item> {
  if (Symbol.iterator in many) return many
  throw new OptionError(adviceFor(many, option))
}
