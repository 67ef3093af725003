import { SessionError } from '../core/errors.ts'
import { lostWorker } from './live-worker.ts'
import type { Operation } from './protocol.ts'
import type { Remote } from './remote.ts'

/** Ends what was dropped without being ended: the worker would keep it for as long as the session lives. */
const dropped = new FinalizationRegistry<() => void>((letGo) => letGo())

/**
 * Something that a call left behind in the worker for later calls to go on with: an iterator, a batch, a ticket. It
 * is gone with the worker, whose successor may have given its number to something else.
 */
export class Held {
  readonly #remote: Remote
  readonly #number: number
  readonly #generation: number

  /**
   * @param number the thing’s own, as the call that has just returned has said
   * @param end ends the thing, if this is dropped before it says that it is over
   */
  constructor(remote: Remote, number: number, end?: Operation) {
    this.#remote = remote
    this.#number = number
    this.#generation = remote.generation
    if (end !== undefined) this.whenDropped(remote.lettingGo(end, [number]))
  }

  /** Has this called if the thing is dropped before it says that it is over. It may not refer to the thing, which would never be dropped. */
  whenDropped(letGo: () => void): void {
    dropped.register(this, letGo, this)
  }

  /** Blocks until the result is there. @throws SessionError ERR_WORKER, ERR_CLOSED when the thing is gone */
  call(operation: Operation, ...args: readonly unknown[]): unknown {
    return this.#remote.wait(this.post(operation, ...args))
  }

  /** Sends a call whose result `Remote.wait` gives. @throws as {@link call} does */
  post(operation: Operation, ...args: readonly unknown[]): number {
    this.#remote.checkUsable()
    if (this.#remote.generation !== this.#generation) throw lostWorker(undefined)
    return this.#remote.post(operation, [this.#number, ...args])
  }

  /** The worker has let go of the thing by itself. */
  isOver(): void {
    dropped.unregister(this)
  }

  /** Lets go of the thing, if it is not gone. */
  end(operation: Operation): void {
    this.isOver()
    try {
      this.call(operation)
    } catch (error) {
      const isGone =
        error instanceof SessionError && (error.code === 'ERR_WORKER' || error.code === 'ERR_CLOSED')
      if (!isGone) throw error
    }
  }
}
