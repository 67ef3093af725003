import { window, type Finished, type WindowOptions } from '../../src/batch/window.ts'

export type Start = WindowOptions<number, number>['start']

const double: Start = (item) => Promise.resolve(item * 2)

export function run(
  source: Iterable<number> | AsyncIterable<number>,
  options: Partial<WindowOptions<number, number>> = {},
): AsyncGenerator<Finished<number, number>, void, undefined> {
  return window(source, { concurrency: 3, ordered: true, signal: undefined, start: double, ...options })
}

/** Counts from 0, and notes what became of the generator. */
export class Source {
  pulled = 0
  closed = false
  readonly #length: number
  constructor(length = Number.POSITIVE_INFINITY) {
    this.#length = length
  }
  *[Symbol.iterator](): Generator<number, void, undefined> {
    try {
      while (this.pulled < this.#length) yield this.pulled++
    } finally {
      this.closed = true
    }
  }
}

/** Work that finishes when the test says so. */
export class Work {
  readonly signals: AbortSignal[] = []
  readonly #settle = new Map<number, PromiseWithResolvers<number>>()
  readonly start: Start = (item, _index, signal) => {
    this.signals.push(signal)
    const settle = Promise.withResolvers<number>()
    this.#settle.set(item, settle)
    signal.addEventListener('abort', () => settle.resolve(-item))
    return settle.promise
  }
  get running(): number[] {
    return [...this.#settle.keys()]
  }
  finish(item: number): void {
    this.#settle.get(item)?.resolve(item)
    this.#settle.delete(item)
  }
  fail(item: number): void {
    this.#settle.get(item)?.reject(new Error(`start ${item}`))
    this.#settle.delete(item)
  }
}

export async function results(of: AsyncIterable<Finished<number, number>>): Promise<number[]> {
  const all: number[] = []
  for await (const { result } of of) all.push(result)
  return all
}

/** Every result up to the error, and the error. */
export async function untilError(
  of: AsyncIterable<Finished<number, number>>,
): Promise<{ all: number[]; error: unknown }> {
  const all: number[] = []
  try {
    for await (const { result } of of) all.push(result)
  } catch (error) {
    return { all, error }
  }
  return { all, error: undefined }
}
