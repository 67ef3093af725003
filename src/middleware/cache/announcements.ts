import { randomUUID } from 'node:crypto'
import type { SafeStore } from '../../cache/safe-store.ts'

/** What is going to be asked for. */
export interface Announcement<T> {
  readonly key: string
  /** Is told by which token to store; undefined when the store is nobody else’s, or was not told. */
  readonly ask: (token: string | undefined) => Promise<T>
  /** Resolves when there is nothing more to be written. Default: when it is answered. */
  readonly ended?: (answer: T) => Promise<unknown> | undefined
  /** One that holds the lease of the key: that is given back, too. Default: a new one. */
  readonly token?: string
}

/**
 * Tells a store that processes share what is being asked for, before it is: then the store takes no answer that was
 * asked for before somebody else changed or dropped what it is about. Takes that back when all that came of it has been
 * written.
 * @throws what `ask` throws
 */
export async function announced<T>(store: SafeStore, announcement: Announcement<T>): Promise<T> {
  const { key, ask, ended, token = randomUUID() } = announcement
  if (!store.isShared) return ask(undefined)
  const isExpected = await store.expect(key, token)
  let answer: T
  try {
    answer = await ask(isExpected ? token : undefined)
  } catch (error) {
    store.release(key, token)
    throw error
  }
  void releaseWhenWritten(store, announcement, token, ended?.(answer))
  return answer
}

async function releaseWhenWritten(
  store: SafeStore,
  { key, token: leased }: Pick<Announcement<unknown>, 'key' | 'token'>,
  token: string,
  ended: Promise<unknown> | undefined,
): Promise<void> {
  await ended
  // a store that is slow to write, or hangs, keeps nobody waiting for so long
  if (leased !== undefined) store.whenSlow(key, () => store.giveBack(key, leased))
  await store.settled(key)
  store.release(key, token)
}
