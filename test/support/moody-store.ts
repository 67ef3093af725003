import type { CacheEntry, CacheSize, CacheStore } from '../../src/backends/contract.ts'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import { type Clock, sleepUntil } from '../../src/core/clock.ts'

/** How the store feels: what becomes of a call. */
export type Mood = 'well' | 'throws' | 'rejects' | 'hangs' | 'slow'

/** What it does in that mood, all of it or only some. */
type Moods = Mood | { readonly reads: Mood; readonly writes: Mood }

/** A store that a user might have written: it answers later, in memory, and has its moods. */
export class MoodyStore implements CacheStore {
  readonly shared: boolean
  readonly memory: MemoryCacheStore
  readonly failure = new Error('the store is out of order')
  mood: Moods = 'well'
  /** Of each call, as `slow`. */
  delay = 100_000
  readonly calls: string[] = []
  readonly #clock: Clock
  readonly #hanging: (() => void)[] = []

  constructor(clock: Clock, shared = false) {
    this.#clock = clock
    this.shared = shared
    this.memory = new MemoryCacheStore({ clock })
  }

  /** Lets go of what hangs: it is answered. */
  letGo(): void {
    this.mood = 'well'
    for (const answer of this.#hanging.splice(0)) answer()
  }

  match(key: string): Promise<readonly CacheEntry[]> {
    return this.#call('match', 'reads', () => this.memory.match(key))
  }

  put(entry: CacheEntry, token?: string): Promise<void> {
    return this.#call('put', 'writes', () => this.memory.put(entry, token))
  }

  delete(key: string, keeping?: string): Promise<boolean> {
    return this.#call('delete', 'writes', () => this.memory.delete(key, keeping))
  }

  entries(prefix: string): Iterable<CacheEntry> {
    return this.memory.entries(prefix)
  }

  clear(prefix: string): Promise<void> {
    return this.#call('clear', 'writes', () => this.memory.clear(prefix))
  }

  size(prefix: string): Promise<CacheSize> {
    return this.#call('size', 'reads', () => this.memory.size(prefix))
  }

  claim(key: string, token: string, span: number): Promise<boolean> {
    return this.#call('claim', 'writes', () => this.memory.claim(key, token, span))
  }

  expect(key: string, token: string): Promise<void> {
    return this.#call('expect', 'writes', () => this.memory.expect(key, token))
  }

  isExpected(key: string, token: string): Promise<boolean> {
    return this.#call('isExpected', 'reads', () => this.memory.isExpected(key, token))
  }

  release(key: string, token: string): Promise<void> {
    return this.#call('release', 'writes', () => this.memory.release(key, token))
  }

  #call<T>(name: string, kind: 'reads' | 'writes', work: () => T): Promise<T> {
    this.calls.push(name)
    const mood = typeof this.mood === 'string' ? this.mood : this.mood[kind]
    if (mood === 'throws') throw this.failure
    return this.#later(mood, work)
  }

  async #later<T>(mood: Mood, work: () => T): Promise<T> {
    if (mood === 'rejects') throw this.failure
    if (mood === 'hangs') await new Promise<void>((resolve) => this.#hanging.push(resolve))
    if (mood === 'slow') await sleepUntil(this.#clock, this.#clock.now() + this.delay)
    return work()
  }
}
