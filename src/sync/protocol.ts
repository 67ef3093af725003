import type { MessagePort } from 'node:worker_threads'
import type { CacheEventName } from '../cache/events.ts'
import type { SessionConfigValues } from '../session/session-config.ts'

/** What a calling thread can ask of its worker. */
export type Operation =
  | 'open'
  | 'request'
  | 'stream'
  | 'more'
  | 'endIterator'
  | 'batch'
  | 'feed'
  | 'stopBatch'
  | 'endBatch'
  | 'cache'
  | 'cacheIterator'
  | 'limiter'
  | 'acquire'
  | 'ticket'
  | 'har'
  | 'loadHar'
  | 'clear'
  | 'status'
  | 'close'

/** A call, from the calling thread to the worker. Its arguments are packed; see portable.ts. */
export interface Call {
  /** Counts up from 1; the reply has it too. */
  readonly id: number
  /** The number of the session that is meant. */
  readonly session: number
  readonly operation: Operation
  readonly args: readonly unknown[]
  /** The calling thread's `SessionConfig`, where it has changed since the last call. */
  readonly config?: SessionConfigValues
}

/** The reply to a call. */
export interface Reply {
  readonly id: number
  /** Packed. */
  readonly value?: unknown
  /** Packed; instead of a value. */
  readonly error?: unknown
}

/** The worker has to call a function that lives in the calling thread, and stands still until it is answered. */
export interface Ask {
  readonly ask: number
  readonly args: readonly unknown[]
}

/** The worker is about to end because of this. */
export interface LastWords {
  readonly fatal: unknown
}

/** Something happened in a session's cache. */
export interface Told {
  /** The session's number. */
  readonly told: number
  readonly name: CacheEventName
  /** Packed. */
  readonly event: unknown
}

/** All that the worker says. */
export type WorkerMessage = Reply | Ask | LastWords | Told

/** The answer to an {@link Ask}. */
export interface Answer {
  readonly value?: unknown
  /** Instead of a value: the number under which the calling thread keeps what was thrown, and that packed. */
  readonly thrown?: { readonly number: number; readonly error: unknown }
}

/** On the port instead of a call, for a worker that sleeps: a call lies in the lane. */
export const nudge = null

/** A call as it lies in the lane, in JSON. */
export type ShortCall = readonly [id: number, session: number, operation: Operation, args: readonly unknown[]]

/** What a worker is started with. */
export interface WorkerSetup {
  readonly port: MessagePort
  /** For a {@link ShortCall} and for a short {@link Reply}; used while all that was said before has been heard. */
  readonly calls: SharedArrayBuffer
  readonly replies: SharedArrayBuffer
  /** Answers come on a port of their own: the worker, standing still, must not read calls. */
  readonly answers: MessagePort
  /** Shared words; see {@link word}. */
  readonly words: Int32Array<SharedArrayBuffer>
}

/** The places of the shared words. The two threads wait for a change of the first two. */
export const word = {
  /** How many messages the worker has posted. */
  posted: 0,
  /** How many answers the calling thread has posted. */
  answered: 1,
  /** The id of the last call that the worker has begun with. */
  begun: 2,
  /** The lifeline's file descriptor plus one; 0 before the worker is up. */
  lifeline: 3,
  /** The low and the high half of the lifeline's inode number. */
  inodeLow: 4,
  inodeHigh: 5,
  /** How many calls have been posted. */
  called: 6,
  /** 1 when the last answer took no time to speak of. */
  quick: 7,
  /** How many of the worker’s messages, and how many calls, have been received. */
  received: 8,
  taken: 9,
  /** 1 while the worker looks out for a call, and need not be nudged. */
  looksOut: 10,
  /** 1 when the answer is about to come: a response’s head is in. */
  near: 11,
} as const

/** How many there are. */
export const wordCount = 12
