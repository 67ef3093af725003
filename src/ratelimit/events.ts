import { type Channel, channel } from 'node:diagnostics_channel'

/** What every event says. Spans are milliseconds. */
export interface LimiterEvent {
  /** The limiter’s prefix: its option `key`. */
  readonly prefix: string
}

/** Units were granted. */
export interface GrantedEvent extends LimiterEvent {
  /** What they were acquired on. */
  readonly key: string
  /** Units. */
  readonly cost: number
  /** From the call until the grant. */
  readonly waited: number
}

/** Somebody has to wait. */
export interface WaitingEvent extends LimiterEvent {
  readonly key: string
  readonly cost: number
  /** The shortest wait that is possible as things stand; undefined while that is not known. */
  readonly retryAfter: number | undefined
  /** How many wait in front, in this limiter. */
  readonly ahead: number
}

/** Somebody was turned away: the wait would have been longer than was allowed. */
export interface DeniedEvent extends LimiterEvent {
  readonly key: string
  readonly cost: number
  /** Until the units could be granted, as far as is known. */
  readonly retryAfter: number
}

/** Nothing is granted on a key for a while. */
export interface PausedEvent extends LimiterEvent {
  readonly key: string
  /** From now on. */
  readonly duration: number
  /** Why, in words; undefined when nobody said. */
  readonly reason: string | undefined
}

/** The backend stopped answering. */
export interface BackendLostEvent extends LimiterEvent {
  /** What its last call failed with. */
  readonly error: unknown
}

/** The backend answers again. */
export interface BackendBackEvent extends LimiterEvent {
  /** How long it did not. */
  readonly lostFor: number
}

/** What a limiter tells, by name. */
export interface RatelimitEvents {
  readonly granted: GrantedEvent
  readonly waiting: WaitingEvent
  readonly denied: DeniedEvent
  readonly paused: PausedEvent
  readonly 'backend-lost': BackendLostEvent
  readonly 'backend-back': BackendBackEvent
}

/** The name of an event. */
export type RatelimitEventName = keyof RatelimitEvents

/** Where the events of all limiters of this process are published: `http-sessions:ratelimit:<name>`. */
export const ratelimitChannels: Readonly<Record<RatelimitEventName, Channel>> = {
  granted: channel('http-sessions:ratelimit:granted'),
  waiting: channel('http-sessions:ratelimit:waiting'),
  denied: channel('http-sessions:ratelimit:denied'),
  paused: channel('http-sessions:ratelimit:paused'),
  'backend-lost': channel('http-sessions:ratelimit:backend-lost'),
  'backend-back': channel('http-sessions:ratelimit:backend-back'),
}

/** The events of one limiter: for its own listeners, and for those of the process-wide channels. */
export class LimiterEvents {
  readonly #prefix: string
  /** A channel of this limiter alone for each event that somebody has ever listened to. */
  readonly #own = new Map<RatelimitEventName, Channel>()

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** Whether anybody would hear of it: what nobody hears need not be found out. */
  isHeard(name: RatelimitEventName): boolean {
    if (ratelimitChannels[name].hasSubscribers) return true
    return this.#own.size > 0 && this.#own.get(name)?.hasSubscribers === true
  }

  /**
   * Calls `listener` at each event of this limiter. What it throws is an uncaught exception, and disturbs nobody else.
   * @returns a function that ends that
   */
  on<Name extends RatelimitEventName>(
    name: Name,
    listener: (event: RatelimitEvents[Name]) => void,
  ): () => void {
    let own = this.#own.get(name)
    if (own === undefined) this.#own.set(name, (own = channel(Symbol(name))))
    // One of its own for each call, so that the same listener may listen twice, and stop once.
    const heard = (event: unknown): void => listener(event as RatelimitEvents[Name])
    const subscribed = own
    subscribed.subscribe(heard)
    return () => {
      subscribed.unsubscribe(heard)
    }
  }

  /** Tells all who listen. */
  tell<Name extends RatelimitEventName>(name: Name, event: Omit<RatelimitEvents[Name], 'prefix'>): void {
    const whole = { prefix: this.#prefix, ...event }
    this.#own.get(name)?.publish(whole)
    ratelimitChannels[name].publish(whole)
  }
}
