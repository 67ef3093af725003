/** Something that a signal can end. */
export interface Abortable {
  abort(signal: AbortSignal): void
}

/**
 * One listener per signal, however many wait on it: adding a listener to a signal takes time in
 * proportion to those it has, which 100,000 waiters on one signal would feel.
 */
export class AbortWatch {
  readonly #bySignal = new Map<AbortSignal, Set<Abortable>>()

  add(signal: AbortSignal, item: Abortable): void {
    const items = this.#bySignal.get(signal)
    if (items !== undefined) {
      items.add(item)
      return
    }
    this.#bySignal.set(signal, new Set([item]))
    signal.addEventListener('abort', this.#onAbort)
  }

  remove(signal: AbortSignal, item: Abortable): void {
    const items = this.#bySignal.get(signal)
    if (items === undefined || !items.delete(item) || items.size > 0) return
    this.#bySignal.delete(signal)
    signal.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (event: Event): void => {
    const signal = event.currentTarget as AbortSignal
    for (const item of this.#bySignal.get(signal) ?? []) item.abort(signal)
  }
}
