import type { Grant, KernelParameters, Progress, Rule } from '../../algorithms/rule.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { Denial, LimitStanding, Reservation, Reservations } from '../contract.ts'

/** The numbers of a reply, read one after another. */
export interface Replies {
  next(): number
}

/** One operation of a limit’s script. Its instants are sent as how far they lie from `now`, the store’s clock at sending. */
export interface Operation<T> {
  /** Whether it only looks: the script then leaves everything as it is. */
  readonly isLook: boolean
  /** Its name and its numbers, as JSON has them in an array: written by hand, since it is done for each call. */
  toJson(now: Microseconds): string
  /** Reads its part of the reply. */
  read(replies: Replies): T
  /** Set where it is the commonest one: units one by one, now or not at all, of which scripts know a form that costs less. */
  readonly plain?: PlainOperation<T> | undefined
}

/** What is only about how many units there are. */
export interface PlainOperation<T> {
  readonly units: number
  /** What the grant of all of them, at some instant, comes to. @param mark what the kernel noted of the first one */
  readPlain(at: Microseconds, mark: number): T
}

/** Grants `cost` units at the earliest instant from `notBefore` on that is at most `maxWait` away. */
export function reserveOperation(
  rule: Rule<unknown>,
  cost: number,
  notBefore: Microseconds,
  maxWait: Microseconds,
): Operation<Reservation> {
  const each = reserveEachOperation(rule, [cost], notBefore, maxWait)
  return {
    isLook: false,
    toJson: (now) => each.toJson(now),
    read(replies) {
      const { grants, denial } = each.read(replies)
      return denial ?? { allowed: true, grant: grants[0] as Grant }
    },
    plain: each.plain && {
      units: 1,
      readPlain: (at, mark) => ({ allowed: true, grant: grantOf(rule, at, mark) }),
    },
  }
}

/** Grants the first of `costs`, each at the earliest instant from `notBefore` on that is at most `maxWait` away. */
export function reserveEachOperation(
  rule: Rule<unknown>,
  costs: readonly number[],
  notBefore: Microseconds,
  maxWait: Microseconds,
): Operation<Reservations> {
  return new ReserveEach(rule, costs, notBefore, maxWait)
}

/** One object, without functions of its own: it is made for each call. */
class ReserveEach implements Operation<Reservations>, PlainOperation<Reservations> {
  readonly isLook = false
  readonly #rule: Rule<unknown>
  readonly #costs: readonly number[]
  readonly #notBefore: Microseconds
  readonly #maxWait: Microseconds

  constructor(rule: Rule<unknown>, costs: readonly number[], notBefore: Microseconds, maxWait: Microseconds) {
    this.#rule = rule
    this.#costs = costs
    this.#notBefore = notBefore
    this.#maxWait = maxWait
  }

  get units(): number {
    return this.#costs.length
  }

  get plain(): PlainOperation<Reservations> | undefined {
    if (this.#notBefore > 0 || this.#maxWait > 0 || this.#rule.kernels.length > 1) return undefined
    for (const cost of this.#costs) if (cost !== 1) return undefined
    return this
  }

  toJson(now: Microseconds): string {
    const ahead = Math.max(0, this.#notBefore - now)
    const maxWait = Math.min(this.#maxWait, Number.MAX_SAFE_INTEGER)
    const runs = runsOf(this.#costs)
    return `"reserve",${ahead},${maxWait},${runs.length / 2},${runs.join()}`
  }

  read(replies: Replies): Reservations {
    const costs = this.#costs
    const granted = replies.next()
    const grants = granted === 0 ? [] : readGrants(this.#rule, costs.slice(0, granted), replies)
    return { grants, denial: granted < costs.length ? readDenial(replies) : undefined }
  }

  readPlain(at: Microseconds, mark: number): Reservations {
    const step = noteStep(this.#rule)
    const grants = this.#costs.map((_, index) => grantOf(this.#rule, at, mark + index * step))
    return { grants, denial: undefined }
  }
}

/** A unit that a rule with one kernel granted. */
function grantOf({ kernels }: Rule<unknown>, at: Microseconds, mark: number): Grant {
  const [{ kernel, numbers }] = kernels as [KernelParameters]
  const margin = numbers[kernel === 'gcra' ? 4 : 2] as Microseconds
  return { at, until: at + margin, cost: 1, mark }
}

/** How much the notes of grants one behind another differ by. */
function noteStep({ kernels }: Rule<unknown>): number {
  return kernels[0]?.kernel === 'gcra' ? 1 : 0
}

/** Says when a grant’s units arrive at the latest. */
export function settleOperation(grant: Grant, until: Microseconds, progress: Progress): Operation<Grant> {
  return {
    isLook: false,
    toJson: (now) => {
      const { at, cost, until: latest } = grant
      return `"settle","${progress}",${at},${cost},${until - now},${latest},${notesOf(grant).join()}`
    },
    read(replies) {
      const parts = partsOf(grant).map((part) => ({ ...part, until: replies.next(), mark: replies.next() }))
      return together(parts)
    },
  }
}

/** Gives a grant’s units back. */
export function cancelOperation(grant: Grant): Operation<void> {
  return {
    isLook: false,
    toJson: () => `"cancel",${grant.cost},${notesOf(grant).join()}`,
    read: () => undefined,
  }
}

/** Grants nothing for `span`. */
export function pauseOperation(span: Microseconds): Operation<void> {
  return { isLook: false, toJson: () => `"pause",${span}`, read: () => undefined }
}

/** Asks where the limit stands. */
export const peekOperation: Operation<LimitStanding> = {
  isLook: true,
  toJson: () => '"peek"',
  read: (replies) => ({
    remaining: replies.next(),
    retryAfter: replies.next(),
    resetAfter: replies.next(),
  }),
}

/** Asks for the earliest that `cost` units behind `ahead` others could be granted, from now. */
export function estimateOperation(cost: number, ahead: number): Operation<Microseconds> {
  return {
    isLook: true,
    toJson: () => `"estimate",${cost},${ahead}`,
    read: (replies) => replies.next(),
  }
}

/** Equal costs in a row as one: how many, and the cost. */
function runsOf(costs: readonly number[]): number[] {
  const runs: number[] = []
  for (const cost of costs) {
    if (runs.at(-1) === cost) runs[runs.length - 2] = (runs.at(-2) as number) + 1
    else runs.push(1, cost)
  }
  return runs
}

/** All at one instant; for each kernel when its units end, then what it noted of each grant. */
function readGrants({ kernels }: Rule<unknown>, costs: readonly number[], replies: Replies): Grant[] {
  const at = replies.next()
  const ends = kernels.map(() => replies.next())
  return costs.map((cost) => together(ends.map((until) => ({ at, until, cost, mark: replies.next() }))))
}

function readDenial(replies: Replies): Denial {
  return { allowed: false, retryAfter: replies.next(), soonest: replies.next() }
}

/** What each kernel noted of a grant. */
function partsOf(grant: Grant): readonly Grant[] {
  return grant.parts ?? [grant]
}

function notesOf(grant: Grant): number[] {
  return partsOf(grant).flatMap(({ until, mark }) => [until, mark])
}

/** One grant of what each kernel granted, as `allOf` has it. */
function together(parts: readonly Grant[]): Grant {
  const [first, ...others] = parts as readonly [Grant, ...Grant[]]
  if (others.length === 0) return first
  const until = others.reduce((latest, part) => Math.max(latest, part.until), first.until)
  return { at: first.at, until, cost: first.cost, mark: 0, parts }
}
