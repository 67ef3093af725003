import { channel } from 'node:diagnostics_channel'
import { type EventChannels, EventSource } from '../core/event-source.ts'

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
export const ratelimitChannels: EventChannels<RatelimitEvents> = {
  granted: channel('http-sessions:ratelimit:granted'),
  waiting: channel('http-sessions:ratelimit:waiting'),
  denied: channel('http-sessions:ratelimit:denied'),
  paused: channel('http-sessions:ratelimit:paused'),
  'backend-lost': channel('http-sessions:ratelimit:backend-lost'),
  'backend-back': channel('http-sessions:ratelimit:backend-back'),
}

/** The events of one limiter: for its own listeners, and for those of the process-wide channels. */
export class LimiterEvents extends EventSource<RatelimitEvents> {
  /** @param prefix the limiter’s */
  constructor(prefix: string) {
    super(prefix, ratelimitChannels)
  }
}
