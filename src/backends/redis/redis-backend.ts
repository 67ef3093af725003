import { OptionError } from '../../core/errors.ts'
import type { Backend, CacheStore } from '../contract.ts'
import { ClientCommands } from './client-commands.ts'
import { RedisLimitStore } from './redis-limit-store.ts'
import { parseRedisOptions, type RedisBackendOptions } from './redis-options.ts'

/**
 * Limits in Redis or Valkey, on one server or a cluster, for all processes that use it. Clients of our own need the
 * package `@redis/client`. Nothing is connected to, and no server started, before it is needed; a server that was
 * away is found again by itself; and a program that forgets to close it ends all the same.
 *
 * Every call ends within `callTimeout`, with a SessionError ERR_BACKEND if it must. Starting a temporary server takes
 * its own time.
 * @example
 * const backend = new RedisBackend({ url: 'redis://127.0.0.1:6379' })
 * const session = new Session({ ratelimit: { backend, limit: 10 } })
 */
export class RedisBackend implements Backend {
  readonly limits: RedisLimitStore
  readonly #commands: ClientCommands

  /** @throws OptionError */
  constructor(options: RedisBackendOptions = {}) {
    const settings = parseRedisOptions(options)
    this.#commands = new ClientCommands(async (lost) => {
      const { openLink } = await import('./client-open.ts') // whoever only has the option to use Redis is spared it
      return openLink(settings, lost)
    }, settings.callTimeout)
    this.limits = new RedisLimitStore({
      commands: this.#commands,
      callTimeout: settings.callTimeout * 1_000,
      clock: options.clock,
    })
  }

  /** @throws OptionError always: only limits are kept here yet */
  get cache(): CacheStore {
    throw new OptionError("responses cannot be kept in Redis yet; use backend 'memory' for the cache")
  }

  /**
   * Waits for calls under way, and ends what is ours: the connection and a temporary server, but never `conn`.
   * @throws SessionError ERR_BACKEND when the temporary server cannot save its data
   */
  close(): Promise<void> {
    return this.#commands.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
