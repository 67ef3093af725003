import type { Microseconds } from '../../core/duration.ts'
import type { LimitKey } from '../contract.ts'
import type { RedisCommands, RedisReply } from './commands.ts'
import { keysOf } from './limit-keys.ts'
import type { Operation } from './limit-operations.ts'
import { limitScript } from './limit-scripts/index.ts'
import type { LimitClock } from './redis-clock.ts'

/** An operation, and who waits for its answer. */
interface Call {
  readonly operation: Operation<unknown>
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Operations that go together: on one limit, and all of them look, or none does. */
interface Parcel {
  readonly limit: LimitKey
  readonly isLook: boolean
  readonly calls: Call[]
}

/** More operations than these are sent in several parcels, so that no script holds its server for long. */
const mostCalls = 1_000

/**
 * Operations on limits, each on its way to the server by the end of the tick that asks for it. Those on one limit go
 * in order, and in one script call; those on different limits go in calls of their own.
 */
export class LimitOutbox {
  readonly #commands: RedisCommands
  readonly #clock: LimitClock
  readonly #leastRetention: Microseconds
  readonly #parcels = new Map<string, Parcel>()

  /** @param leastRetention keep every idle key at least this long */
  constructor(commands: RedisCommands, clock: LimitClock, leastRetention: Microseconds) {
    this.#commands = commands
    this.#clock = clock
    this.#leastRetention = leastRetention
  }

  /** @throws SessionError ERR_BACKEND, as a rejection, when the call that it went with failed */
  post<T>(limit: LimitKey, operation: Operation<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const call: Call = { operation, resolve: resolve as (answer: unknown) => void, reject }
      this.#parcelFor(limit, operation.isLook).calls.push(call)
    })
  }

  /** Sends what waits for a limit at once. */
  flush({ key }: LimitKey): void {
    const parcel = this.#parcels.get(key)
    if (parcel === undefined) return
    this.#parcels.delete(key)
    void this.#send(parcel)
  }

  /** Sends all that waits at once. */
  flushAll(): void {
    for (const { limit } of this.#parcels.values()) this.flush(limit)
  }

  #parcelFor(limit: LimitKey, isLook: boolean): Parcel {
    const waiting = this.#parcels.get(limit.key)
    if (waiting !== undefined && isLook === waiting.isLook && isSame(limit, waiting.limit)) {
      if (waiting.calls.length < mostCalls) return waiting
    }
    this.flush(limit)
    if (this.#parcels.size === 0) queueMicrotask(() => this.flushAll())
    const parcel = { limit, isLook, calls: [] }
    this.#parcels.set(limit.key, parcel)
    return parcel
  }

  async #send({ limit, calls }: Parcel): Promise<void> {
    const now = this.#clock.now()
    const sentAt = this.#clock.localNow()
    const retention = Math.max(limit.retention, this.#leastRetention)
    const parts: (string | number | boolean)[] = [this.#clock.scriptNow() ?? false, retention]
    for (const { numbers } of limit.rule.kernels) parts.push(...numbers)
    for (const { operation } of calls) parts.push(...operation.arguments(now))
    try {
      const script = limitScript(limit.rule.kernels.map(({ kernel }) => kernel))
      const reply = numbersOf(await this.#commands.evaluate(script, keysOf(limit), [JSON.stringify(parts)]))
      this.#clock.hear(reply.next(), sentAt)
      for (const { operation, resolve } of calls) resolve(operation.read(reply))
    } catch (error) {
      for (const { reject } of calls) reject(error)
    }
  }
}

function isSame(one: LimitKey, other: LimitKey): boolean {
  return one.rule === other.rule && one.retention === other.retention
}

function numbersOf(reply: RedisReply): { next(): Microseconds } {
  const numbers = reply as readonly number[]
  let index = 0
  return { next: () => numbers[index++] as number }
}
