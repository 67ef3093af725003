import type { CacheEntry, CacheStore, MaybePromise } from '../backends/contract.ts'
import { outlasts } from '../backends/exchange-order.ts'

/** What a store is being told of a key. */
interface Write {
  /** What is stored; undefined when everything under the key is dropped. */
  readonly entry: CacheEntry | undefined
  /** By which the store expects it; undefined when it takes it anyway. */
  readonly token: string | undefined
  isBegun: boolean
  /** Something came behind it that makes it needless. */
  isNeedless: boolean
}

/** The writes of one key, one behind the other. */
interface Queue {
  readonly writes: Write[]
  /** Resolves when the last of them has ended, well or not. */
  ended: Promise<unknown>
}

/** Most bytes that wait to be written: 64 MiB. */
const mostBytes = 67_108_864
/** And most writes. */
const mostWrites = 10_000

/**
 * What a store that answers later has been told and has not confirmed yet. Writes of a key reach the store one after the
 * other, so that none overtakes another; and whoever asks for the key sees them as if they were done.
 */
export class PendingWrites {
  readonly #store: CacheStore
  readonly #queues = new Map<string, Queue>()
  #bytes = 0
  #ended = 0
  #count = 0

  constructor(store: CacheStore) {
    this.#store = store
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0
  }

  /** How many writes have ended so far. */
  get ended(): number {
    return this.#ended
  }

  /** Whether so many bytes more may wait. */
  hasRoom(bytes: number): boolean {
    return this.#count < mostWrites && this.#bytes + bytes <= mostBytes
  }

  /** @throws what the store throws */
  put(entry: CacheEntry, token?: string): MaybePromise<void> {
    return this.#write({ key: entry.key, entry, token }, () => this.#store.put(entry, token), undefined)
  }

  /** @throws what the store throws */
  delete(key: string, keeping?: string): MaybePromise<boolean> {
    const drop = { key, entry: undefined, token: undefined }
    return this.#write(drop, () => this.#store.delete(key, keeping), false)
  }

  /** What is under the key once all is written; undefined when that depends on what the store has. */
  known(key: string): readonly CacheEntry[] | undefined {
    const writes = this.#queues.get(key)?.writes
    return writes?.some(({ entry }) => entry === undefined) === true ? seen(writes, []) : undefined
  }

  /** By which tokens the store expects what is pending now: what is expected no more will not be there. */
  tokens(key: string): readonly string[] {
    return (this.#queues.get(key)?.writes ?? []).flatMap(({ token }) => token ?? [])
  }

  /** What the store has to say, seen as if all were written that is pending now, but what has one of the tokens `gone`. */
  over(key: string): (stored: readonly CacheEntry[], gone?: readonly string[]) => readonly CacheEntry[] {
    const writes = [...(this.#queues.get(key)?.writes ?? [])]
    return (stored, gone = []) =>
      seen(
        writes.filter(({ token }) => token === undefined || !gone.includes(token)),
        stored,
      )
  }

  /** Whether something is being written under a key that starts with `prefix`. */
  isBusyUnder(prefix: string): boolean {
    for (const key of this.#queues.keys()) if (key.startsWith(prefix)) return true
    return false
  }

  /** Resolves when what is being written now has been, or has failed; undefined when nothing is. */
  settled(key?: string): Promise<unknown> | undefined {
    if (key !== undefined) return this.#queues.get(key)?.ended
    if (this.isEmpty) return undefined
    return Promise.all([...this.#queues.values()].map(({ ended }) => ended))
  }

  #write<T>(
    { key, entry, token }: Pick<Write, 'entry' | 'token'> & { readonly key: string },
    perform: () => MaybePromise<T>,
    needless: T,
  ): MaybePromise<T> {
    const queue = this.#queues.get(key)
    if (queue === undefined) {
      const answer = perform()
      if (!(answer instanceof Promise)) return answer
      const write = { entry, token, isBegun: true, isNeedless: false }
      return this.#follow(key, { writes: [], ended: answer }, write, answer)
    }
    for (const other of queue.writes) {
      const isReplaced = entry === undefined || replaces(entry, other.entry)
      if (!other.isBegun && isReplaced) other.isNeedless = true
    }
    const write: Write = { entry, token, isBegun: false, isNeedless: false }
    const begin = (): MaybePromise<T> => {
      write.isBegun = true
      return write.isNeedless ? needless : perform()
    }
    return this.#follow(key, queue, write, queue.ended.then(begin))
  }

  #follow<T>(key: string, queue: Queue, write: Write, answer: Promise<T>): Promise<T> {
    const bytes = write.entry?.body.byteLength ?? 0
    queue.writes.push(write)
    this.#bytes += bytes
    this.#count += 1
    this.#queues.set(key, queue)
    const end = (): void => {
      queue.writes.splice(queue.writes.indexOf(write), 1)
      this.#bytes -= bytes
      this.#count -= 1
      this.#ended += 1
      if (queue.writes.length === 0) this.#queues.delete(key)
    }
    // who wrote it hears of its failure
    queue.ended = answer.then(end, end)
    return answer
  }
}

/** What of `stored` is left after these writes, and what they add: most recent first. */
function seen(writes: readonly Write[], stored: readonly CacheEntry[]): readonly CacheEntry[] {
  let entries = stored
  for (const { entry } of writes) {
    if (entry === undefined) entries = []
    else if (entries.every((each) => each.variant !== entry.variant || replaces(entry, each)))
      entries = [entry, ...entries.filter(({ variant }) => variant !== entry.variant)]
  }
  return entries
}

/** Whether an entry takes the place of another one; where clocks do not agree, the store has the last word. */
function replaces(entry: CacheEntry, other: CacheEntry | undefined): boolean {
  return other?.variant === entry.variant && !outlasts(other, entry, Number.POSITIVE_INFINITY)
}
