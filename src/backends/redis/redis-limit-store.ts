import type { Grant, Progress } from '../../algorithms/rule.ts'
import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { checkCost } from '../check-cost.ts'
import type { LimitKey, LimitStanding, LimitStore, Reservation, Reservations } from '../contract.ts'
import type { RedisCommands } from './commands.ts'
import { isClearable, keysOf, startOf } from './limit-keys.ts'
import {
  cancelOperation,
  estimateOperation,
  pauseOperation,
  peekOperation,
  reserveEachOperation,
  reserveOperation,
  settleOperation,
} from './limit-operations.ts'
import { LimitClocks } from './limit-clocks.ts'
import { LimitOutbox } from './limit-outbox.ts'

/** Options of a Redis limit store. */
export interface RedisLimitStoreOptions {
  readonly commands: RedisCommands
  /** How long the commands may take before they fail, if they do by themselves. */
  readonly callTimeout?: Microseconds | undefined
  /** Where time comes from; for tests. Default: the server’s clock. */
  readonly clock?: Clock | undefined
  /** This process’s clock, by which the time between two answers of a server is measured; for tests. Default: the machine’s. */
  readonly ownClock?: Clock | undefined
}

/** The given clock need not go as fast as the server’s, by which keys expire. */
const hour: Microseconds = 3_600_000_000

/**
 * Limits in Redis or Valkey, for all processes that use the server. Each call is one script that reads the server’s
 * clock; clients’ clocks play no part. What is asked of one limit within a tick goes to the server together.
 *
 * Every call rejects with SessionError ERR_BACKEND when the server cannot be asked.
 */
export class RedisLimitStore implements LimitStore {
  readonly shared = true
  readonly callTimeout: Microseconds | undefined
  readonly #commands: RedisCommands
  readonly #clocks: LimitClocks
  readonly #outbox: LimitOutbox

  constructor({ commands, callTimeout, clock, ownClock }: RedisLimitStoreOptions) {
    this.callTimeout = callTimeout
    this.#commands = commands
    this.#clocks = new LimitClocks(clock, ownClock)
    this.#outbox = new LimitOutbox(commands, this.#clocks, clock === undefined ? 0 : hour)
  }

  /** The master of a cluster that has its keys. */
  partOf(limit: LimitKey): string | undefined {
    return this.#commands.partOf?.(() => keysOf(limit)[0] as string)
  }

  now(limit?: LimitKey): Microseconds {
    return (limit === undefined ? this.#clocks.any : this.#outbox.clockOf(limit)).now()
  }

  reserve(
    limit: LimitKey,
    cost: number,
    notBefore: Microseconds,
    maxWait: Microseconds,
  ): Promise<Reservation> {
    checkCost(limit, cost)
    return this.#outbox.post(limit, reserveOperation(limit.rule, cost, notBefore, maxWait))
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): Promise<Reservations> {
    for (const cost of costs) checkCost(limit, cost)
    if (costs.length === 0) return Promise.resolve({ grants: [], denial: undefined })
    return this.#outbox.post(limit, reserveEachOperation(limit.rule, costs, 0, 0))
  }

  settle(limit: LimitKey, grant: Grant, until: Microseconds, progress: Progress): Promise<Grant> {
    return this.#outbox.post(limit, settleOperation(grant, until, progress))
  }

  cancel(limit: LimitKey, grant: Grant): Promise<void> {
    return this.#outbox.post(limit, cancelOperation(grant))
  }

  pause(limit: LimitKey, span: Microseconds): Promise<void> {
    return this.#outbox.post(limit, pauseOperation(span))
  }

  peek(limit: LimitKey): Promise<LimitStanding> {
    return this.#outbox.post(limit, peekOperation)
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Promise<Microseconds> {
    return this.#outbox.post(limit, estimateOperation(cost, ahead))
  }

  async reset(limit: LimitKey): Promise<void> {
    this.#outbox.flush(limit)
    await this.#commands.unlink(keysOf(limit))
  }

  /** Without a prefix it looks at every key of the server, and forgets those that look like a limit’s. */
  async clear(prefix?: string): Promise<void> {
    this.#outbox.flushAll()
    const start = prefix === undefined ? '' : startOf(prefix)
    for await (const page of this.#commands.scan(start)) {
      const keys = page.filter(isClearable)
      if (keys.length > 0) await this.#commands.unlink(keys)
    }
  }
}
