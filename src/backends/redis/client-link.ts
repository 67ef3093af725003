import type { RedisReply } from './commands.ts'

/** A command in its parts, in the order in which they are sent. */
export interface Command {
  readonly name: string
  /** What stands before the keys. */
  readonly head: readonly string[]
  /** All in one slot. The first says which node of a cluster is asked. */
  readonly keys: readonly string[]
  /** What stands behind the keys. */
  readonly args: readonly (string | Buffer)[]
}

/** The way to a server or a cluster, by whatever client. */
export interface Link {
  /** How messages call it. */
  readonly name: string
  /** What stands before every key on the server, and in no key that is named here. */
  readonly keyPrefix: string
  /** Whether keys are spread over several servers, by slots. */
  readonly clustered: boolean
  /**
   * Sends a command, and settles by the deadline in any case.
   * @param bytes whether bulk strings come back as bytes instead of text
   * @param deadline on the clock of `performance.now()`
   * @throws SessionError ERR_BACKEND whose cause is the client’s error
   */
  send(command: Command, bytes: boolean, deadline: number): Promise<RedisReply>
  /** Which of several servers has a key, as far as is known. */
  partOf?(key: string): string | undefined
  /** A link to each server that has keys of its own. */
  masters(deadline: number): Promise<readonly Link[]>
  /** Ends it, unless somebody else made it. Calls under way may still be answered. */
  close(): Promise<void>
}

/** A command as clients take it. */
export function toWords({ name, head, keys, args }: Command, keyPrefix = ''): (string | Buffer)[] {
  return [name, ...head, ...(keyPrefix === '' ? keys : keys.map((key) => keyPrefix + key)), ...args]
}
