import { randomUUID } from 'node:crypto'
import type { SafeStore } from '../../cache/safe-store.ts'

/**
 * Tells a store that processes share what is being asked for, before it is: then the store takes no answer that was
 * asked for before somebody else changed or dropped what it is about.
 */
export class Announcements {
  readonly #store: SafeStore

  constructor(store: SafeStore) {
    this.#store = store
  }

  /**
   * Asks, and takes the announcement back when all that came of it has been written.
   * @param ask is told by which token to store; undefined when the store is nobody else’s, or was not told
   * @param ended resolves when there is nothing more to be written. Default: when it is answered
   * @param token one that holds the lease of the key: that is given back, too
   * @throws what `ask` throws
   */
  async during<T>(
    key: string,
    ask: (token: string | undefined) => Promise<T>,
    ended: (answer: T) => Promise<unknown> | undefined = () => undefined,
    token: string = randomUUID(),
  ): Promise<T> {
    if (!this.#store.isShared) return ask(undefined)
    const isExpected = await this.#store.expect(key, token)
    let answer: T
    try {
      answer = await ask(isExpected ? token : undefined)
    } catch (error) {
      this.#store.release(key, token)
      throw error
    }
    void this.#releaseWhenWritten(key, token, ended(answer))
    return answer
  }

  async #releaseWhenWritten(key: string, token: string, ended: Promise<unknown> | undefined): Promise<void> {
    await ended
    await this.#store.settled(key)
    this.#store.release(key, token)
  }
}
