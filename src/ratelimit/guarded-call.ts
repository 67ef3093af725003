import type { LimitStore, MaybePromise } from '../backends/contract.ts'

/** A question to a backend that may be away. */
export interface GuardedCall<T> {
  /** The prefix of what it asks for. */
  readonly prefix: string
  ask(store: LimitStore): MaybePromise<T>
  /** Is told an answer that came too late. */
  readonly late?: (answer: T) => void
  /** Whether anybody still wants the answer: only that keeps the process alive. */
  isAwaited(): boolean
}

/** Whoever asks a backend only while it is there. */
export interface Gate {
  /** Whether it is known to be away. */
  readonly isLost: boolean
  /** @throws SessionError ERR_BACKEND, or rejects with it */
  attempt<T>(call: GuardedCall<T>): MaybePromise<T>
}
