import { type Channel, channel } from 'node:diagnostics_channel'

/** The channel of each event, by its name, for all of this process. */
export type EventChannels<Events> = Readonly<Record<keyof Events, Channel>>

/** The events of one limiter or cache: for its own listeners, and for those of the process-wide channels. */
export class EventSource<Events extends { readonly [Name in keyof Events]: { readonly prefix: string } }> {
  readonly #prefix: string
  readonly #channels: EventChannels<Events>
  /** A channel of this source alone for each event that somebody has ever listened to. */
  readonly #own = new Map<keyof Events, Channel>()

  /** @param prefix what each event says of where it comes from */
  constructor(prefix: string, channels: EventChannels<Events>) {
    this.#prefix = prefix
    this.#channels = channels
  }

  /** Whether anybody would hear of it: what nobody hears need not be found out. */
  isHeard(name: keyof Events): boolean {
    if (this.#channels[name].hasSubscribers) return true
    return this.#own.size > 0 && this.#own.get(name)?.hasSubscribers === true
  }

  /**
   * Calls `listener` at each event of this source. What it throws is an uncaught exception, and disturbs nobody else.
   * @returns a function that ends that
   */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    let own = this.#own.get(name)
    if (own === undefined) this.#own.set(name, (own = channel(Symbol(String(name)))))
    // One of its own for each call, so that the same listener may listen twice, and stop once.
    const heard = (event: unknown): void => listener(event as Events[Name])
    const subscribed = own
    subscribed.subscribe(heard)
    return () => {
      subscribed.unsubscribe(heard)
    }
  }

  /** Tells all who listen. */
  tell<Name extends keyof Events>(name: Name, event: Omit<Events[Name], 'prefix'>): void {
    const whole = { prefix: this.#prefix, ...event }
    this.#own.get(name)?.publish(whole)
    this.#channels[name].publish(whole)
  }
}
