import type { Command, Link } from './client-link.ts'
import type { RedisReply } from './commands.ts'
import { Deadlines } from './connection-deadline.ts'
import { backendError, toBackendError } from './connection-errors.ts'

/** Somebody’s own client, of whatever library. */
export interface GivenClient {
  readonly keyPrefix: string
  readonly clustered: boolean
  /**
   * Sends a command to the node of its first key, its keys with their prefix.
   * @param bytes whether bulk strings should come back as bytes; what comes back as text or bytes is converted
   * @param timeout after which nobody is waiting any more, in milliseconds
   */
  dispatch(command: Command, bytes: boolean, timeout: number): Promise<unknown>
  /** The clients of all masters. */
  masters(): Promise<readonly GivenClient[]>
}

/** As many calls may be without an answer past their deadline before others are not even sent. */
const mostAbandoned = 100

/** The link by a client that a user has made, and goes on to use, and closes. */
export class GivenLink implements Link {
  readonly name = 'the Redis connection given as `conn`'
  readonly keyPrefix: string
  readonly clustered: boolean
  readonly #client: GivenClient
  readonly #deadlines = new Deadlines()
  /** Calls whose deadline has passed, and that the client still has. */
  #abandoned = 0

  constructor(client: GivenClient) {
    this.#client = client
    this.keyPrefix = client.keyPrefix
    this.clustered = client.clustered
  }

  async send(command: Command, bytes: boolean, deadline: number): Promise<RedisReply> {
    if (this.#abandoned >= mostAbandoned) {
      throw backendError(this.name, `has not answered ${this.#abandoned} earlier calls`)
    }
    try {
      const timeout = Math.max(Math.ceil(deadline - performance.now()), 1)
      const reply = this.#client.dispatch(command, bytes, timeout)
      const late = (): Error => this.#abandon(reply)
      return toReply(await this.#deadlines.within(reply, deadline, { late }), bytes)
    } catch (cause) {
      throw toBackendError(this.name, cause)
    }
  }

  async masters(deadline: number): Promise<readonly Link[]> {
    try {
      const late = (): Error => backendError(this.name, 'does not reach all nodes in time')
      const clients = await this.#deadlines.within(this.#client.masters(), deadline, { late })
      return clients.map((client) => new GivenLink(client))
    } catch (cause) {
      throw toBackendError(this.name, cause)
    }
  }

  /** Does nothing: it is not ours. */
  close(): Promise<void> {
    return Promise.resolve()
  }

  #abandon(reply: Promise<unknown>): Error {
    const settled = (): void => void this.#abandoned--
    this.#abandoned++
    reply.then(settled, settled)
    return backendError(this.name, 'does not answer in time')
  }
}

/**
 * The same reply, whatever the client makes of it by its settings.
 * @throws an error that stands in the place of a reply
 */
function toReply(value: unknown, bytes: boolean): RedisReply {
  if (typeof value === 'string' || typeof value === 'number' || value === null) return value
  if (Buffer.isBuffer(value)) return bytes ? value : value.toString()
  if (Array.isArray(value)) return value.map((item) => toReply(item, bytes))
  if (value instanceof Error) throw value
  return Number(value) // RESP3: a boolean or a big number
}
