import type { Microseconds } from '../../core/duration.ts'
import { SmallMap } from '../../core/small-map.ts'
import type { LimitKey } from '../contract.ts'
import { slotOf } from './cluster-slots.ts'
import type { RedisCommands, RedisReply, Script } from './commands.ts'
import { keysOf } from './limit-keys.ts'
import type { Operation, PlainOperation } from './limit-operations.ts'
import type { LimitClocks } from './limit-clocks.ts'
import { limitScript, termsLength } from './limit-scripts/index.ts'
import type { LimitClock } from './redis-clock.ts'

/** An operation, and who waits for its answer. */
interface Call {
  readonly operation: Operation<unknown>
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/** What is the same for all calls on a limit. */
interface Address {
  /** The clock of the server that has its keys, in a cluster, once that has been asked for. */
  clock: LimitClock | undefined
  readonly script: Script
  readonly keys: readonly string[]
  /** Its retention, in milliseconds, and its parameters, as JSON has them in an array. */
  readonly numbers: string
  /** The same in a text of one length, always; undefined where there are several kernels. */
  readonly terms: string | undefined
}

/** Operations that go together: on one limit, and all of them look, or none does. */
interface Parcel {
  readonly limit: LimitKey
  readonly isLook: boolean
  readonly calls: Call[]
}

/** More operations than these are sent in several parcels, so that no script holds its server for long. */
const mostCalls = 500

/**
 * Operations on limits, each on its way to the server by the end of the tick that asks for it. Those on one limit go
 * in order, and in one script call; those on different limits go in calls of their own.
 */
export class LimitOutbox {
  readonly #commands: RedisCommands
  readonly #clocks: LimitClocks
  readonly #leastRetention: Microseconds
  /** Callers use a limit’s object again, as a rule. */
  readonly #addresses = new WeakMap<LimitKey, Address>()
  readonly #parcels = new SmallMap<Parcel>()

  /** @param leastRetention keep every idle key at least this long */
  constructor(commands: RedisCommands, clocks: LimitClocks, leastRetention: Microseconds) {
    this.#commands = commands
    this.#clocks = clocks
    this.#leastRetention = leastRetention
  }

  /** The clock of the server that has a limit. */
  clockOf(limit: LimitKey): LimitClock {
    if (this.#commands.clustered !== true) return this.#clocks.any
    return this.#clockAt(this.#addressOf(limit))
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
    this.#send(parcel)
  }

  /** Sends all that waits at once. */
  flushAll(): void {
    for (const { limit } of this.#parcels.values()) this.flush(limit)
  }

  readonly #flushAll = (): void => this.flushAll()

  #parcelFor(limit: LimitKey, isLook: boolean): Parcel {
    const waiting = this.#parcels.get(limit.key)
    if (waiting !== undefined && isLook === waiting.isLook && isSame(limit, waiting.limit)) {
      if (waiting.calls.length < mostCalls) return waiting
    }
    this.flush(limit)
    if (this.#parcels.size === 0) queueMicrotask(this.#flushAll)
    const parcel = { limit, isLook, calls: [] }
    this.#parcels.set(limit.key, parcel)
    return parcel
  }

  #send({ limit, calls }: Parcel): void {
    const address = this.#addressOf(limit)
    const { script, keys, terms } = address
    const plain = calls.length === 1 ? calls[0]?.operation.plain : undefined
    const args = plain === undefined ? this.#inJson(address, calls) : this.#inPlain(terms as string, plain)
    const sentAt = this.#clocks.any.localNow()
    const fail = (error: unknown): void => {
      for (const { reject } of calls) reject(error)
    }
    const answer = (reply: RedisReply): void => {
      try {
        this.#read(reply, sentAt, address, calls, plain)
      } catch (error) {
        fail(error)
      }
    }
    this.#commands.evaluate(script, keys, args).then(answer, fail)
  }

  /** @throws TypeError when the reply is of another form than the script’s */
  #read(
    reply: RedisReply,
    sentAt: Microseconds,
    address: Address,
    calls: readonly Call[],
    plain: PlainOperation<unknown> | undefined,
  ): void {
    const clock = this.#clockAt(address)
    if (plain !== undefined && typeof reply === 'string') {
      const behindSeconds = reply.indexOf(' ')
      const behindNow = reply.indexOf(' ', behindSeconds + 1)
      const now = +reply.slice(0, behindSeconds) * 1e6 + +reply.slice(behindSeconds + 1, behindNow)
      clock.hear(now, sentAt)
      calls[0]?.resolve(plain.readPlain(now, +reply.slice(behindNow + 1)))
      return
    }
    const replies = reply as readonly [number, ...number[]]
    clock.hear(replies[0], sentAt)
    let index = 1
    const next = (): number => replies[index++] as number
    for (const { operation, resolve } of calls) resolve(operation.read({ next }))
  }

  #inPlain(terms: string, { units }: PlainOperation<unknown>): readonly string[] {
    const now = this.#clocks.any.scriptNow()
    if (now !== undefined) return [terms, String(units), String(now)]
    return units === 1 ? [terms] : [terms, String(units)]
  }

  #inJson(address: Address, calls: readonly Call[]): readonly string[] {
    const { numbers, terms } = address
    const clock = this.#clockAt(address)
    const now = clock.now()
    let json = `[${clock.scriptNow() ?? false},${numbers}`
    for (const { operation } of calls) json += `,${operation.toJson(now)}`
    return terms === undefined ? [`${json}]`] : [terms, `${json}]`]
  }

  /** Whether there is a cluster is known once a server has answered. */
  #clockAt(address: Address): LimitClock {
    if (this.#commands.clustered !== true) return this.#clocks.any
    return (address.clock ??= this.#clocks.ofSlot(slotOf(address.keys[0] as string)))
  }

  #addressOf(limit: LimitKey): Address {
    let address = this.#addresses.get(limit)
    if (address === undefined) {
      const { kernels } = limit.rule
      const retention = Math.max(1, Math.ceil(Math.max(limit.retention, this.#leastRetention) / 1_000))
      const numbers = [retention, ...kernels.flatMap((kernel) => kernel.numbers)].join()
      address = {
        clock: undefined,
        script: limitScript(kernels.map(({ kernel }) => kernel)),
        keys: keysOf(limit),
        numbers,
        terms: kernels.length === 1 ? numbers.padEnd(termsLength) : undefined,
      }
      this.#addresses.set(limit, address)
    }
    return address
  }
}

function isSame(one: LimitKey, other: LimitKey): boolean {
  return one.rule === other.rule && one.retention === other.retention
}
