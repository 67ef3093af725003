import { AbortError } from '../core/errors.ts'
import type { Invalidations } from './invalidations.ts'

/** What came of a shared run. */
export interface Landed<T> {
  readonly value: T
  /** Whether somebody else had started it. */
  readonly collapsed: boolean
  /** Whether the value was there before it was asked for. */
  readonly late: boolean
}

interface Flight<T> {
  readonly result: Promise<T>
  readonly controller: AbortController
  /** When it began. */
  readonly ticket: number
  waiting: number
  /** Whether its result can still be shared, though nobody waits for it. */
  isOpen: boolean
  /** What it has brought, while that can be shared. */
  landed: T | undefined
}

/** What a run is like. */
export interface Run<T> {
  /** Makes it; the signal fires when nobody waits any more. */
  readonly start: (signal: AbortSignal) => Promise<T>
  /** How long its result is for those, too, who come when it is there already. Default: it is not. */
  readonly lasts?: (value: T) => Promise<void> | undefined
}

/**
 * Runs one task for all who want the same at the same time. Nobody owns it: it is aborted when the last
 * one who waits has left, whoever started it. Who comes after its key was invalidated starts anew; who waits already
 * gets what they wait for.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Map<string, Flight<T>>>()
  readonly #invalidations: Invalidations

  constructor(invalidations: Invalidations) {
    this.#invalidations = invalidations
  }

  /**
   * Joins the run of this key under these terms, or starts it.
   * @param terms what must be the same for sharing, beside the key
   * @throws AbortError when `signal` fires first, and what the run throws
   */
  async run(key: string, terms: string, signal: AbortSignal | undefined, run: Run<T>): Promise<Landed<T>> {
    if (signal?.aborted === true) throw new AbortError(signal)
    const joined = this.#current(key, terms)
    const flight = joined ?? this.#begin(key, terms, run)
    const late = flight.isOpen
    const value = await this.#wait(flight, key, terms, signal)
    return { value, collapsed: joined !== undefined, late }
  }

  /** Whether there is a run of this key under these terms now. */
  has(key: string, terms: string): boolean {
    return this.#current(key, terms) !== undefined
  }

  /** What is there already for whoever joins now. */
  landed(key: string, terms: string): T | undefined {
    return this.#current(key, terms)?.landed
  }

  /** Whoever comes from now on starts anew, in the place of joining what has brought `value`. */
  forget(key: string, terms: string, value: T): void {
    const flight = this.#flights.get(key)?.get(terms)
    if (flight?.landed === value) this.#remove(flight, key, terms)
  }

  #current(key: string, terms: string): Flight<T> | undefined {
    const flight = this.#flights.get(key)?.get(terms)
    return flight !== undefined && this.#invalidations.allows(key, flight.ticket) ? flight : undefined
  }

  #begin(key: string, terms: string, { start, lasts }: Run<T>): Flight<T> {
    const controller = new AbortController()
    const ticket = this.#invalidations.begin()
    const result = start(controller.signal)
    const flight: Flight<T> = { result, controller, ticket, waiting: 0, isOpen: false, landed: undefined }
    const ofKey = this.#flights.get(key)
    if (ofKey === undefined) this.#flights.set(key, new Map([[terms, flight]]))
    else ofKey.set(terms, flight)
    if (lasts !== undefined) this.#keepOpen(flight, key, terms, lasts)
    return flight
  }

  #keepOpen(flight: Flight<T>, key: string, terms: string, lasts: NonNullable<Run<T>['lasts']>): void {
    const landed = async (value: T): Promise<void> => {
      const end = lasts(value)
      if (end === undefined) return
      flight.isOpen = true
      flight.landed = value
      await end
      flight.isOpen = false
      flight.landed = undefined
      if (flight.waiting === 0) this.#remove(flight, key, terms)
    }
    // who waits hears of a failure
    void flight.result.then(landed, () => undefined)
  }

  #wait(flight: Flight<T>, key: string, terms: string, signal: AbortSignal | undefined): Promise<T> {
    flight.waiting += 1
    return new Promise((resolve, reject) => {
      let present = true
      const leave = (): void => {
        if (!present) return
        present = false
        flight.waiting -= 1
        if (flight.waiting === 0 && !flight.isOpen) this.#remove(flight, key, terms)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => {
        leave()
        reject(new AbortError(signal as AbortSignal))
        // what has landed is for those who have it, whoever leaves before it is told
        if (flight.waiting === 0 && !flight.isOpen) flight.controller.abort((signal as AbortSignal).reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      // for one who has left already, neither says anything more
      flight.result.finally(leave).then(resolve, reject)
    })
  }

  #remove(flight: Flight<T>, key: string, terms: string): void {
    const ofKey = this.#flights.get(key)
    // after an invalidation another run may be in its place
    if (ofKey?.get(terms) !== flight) return
    ofKey.delete(terms)
    if (ofKey.size === 0) this.#flights.delete(key)
  }
}
