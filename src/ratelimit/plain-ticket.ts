import type { Grant } from '../algorithms/rule.ts'
import type { LimitKey } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { GrantTicket, type Issuer, type Ticket } from './ticket.ts'

/**
 * The ticket of units that count from their grant unless somebody says otherwise, which hardly anybody does: only then
 * there is anything to keep of it.
 */
export class PlainTicket implements Ticket {
  readonly key: string
  readonly #issuer: Issuer
  readonly #limit: LimitKey
  readonly #grant: Grant
  #told: GrantTicket | undefined = undefined

  constructor(issuer: Issuer, key: string, limit: LimitKey, grant: Grant) {
    this.key = key
    this.#issuer = issuer
    this.#limit = limit
    this.#grant = grant
  }

  get cost(): number {
    return this.#grant.cost
  }

  get grantedAt(): Microseconds {
    return this.#grant.at
  }

  written(at?: Microseconds, isBuffered?: boolean): boolean {
    return this.#ticket.written(at, isBuffered)
  }

  sent(at?: Microseconds): void {
    this.#ticket.sent(at)
  }

  answered(at?: Microseconds): void {
    this.#ticket.answered(at)
  }

  settle(untilAt?: Microseconds): void {
    this.#ticket.settle(untilAt)
  }

  release(): void {
    this.#ticket.release()
  }

  get #ticket(): GrantTicket {
    this.#told ??= new GrantTicket(this.#issuer, this.key, this.#limit, this.#grant)
    return this.#told
  }
}
