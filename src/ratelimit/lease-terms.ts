import type { Microseconds } from '../core/duration.ts'

/** How long units are taken to be under way. Spans in microseconds. */
export interface LeaseTerms {
  /** The longest time from written to arrived; undefined: only an answer tells. */
  readonly travel: Microseconds | undefined
  /** From the grant to its provisional end: the rule’s margin. */
  readonly span: Microseconds
  /** The part of the span that must be left when a request is written. */
  readonly journey: Microseconds
  /** How long after it was given up a written request can still arrive, where only an answer would tell. */
  readonly unanswered: Microseconds
  /** Whether an end that passes says nothing: who holds the units settles or cancels them. */
  readonly leased: boolean
}

/** With `margin: 'settle'` in one process: how long a unit is taken to be under way before that is looked at again. */
const settleSpan: Microseconds = 50_000

/** With `margin: 'settle'` in several: what a holder that dies leaves behind. It is renewed four times as often. */
const sharedSettleSpan: Microseconds = 1_000_000

/** With `margin: 'settle'`: so long a request that nobody waits for any more may be under way. */
const longestJourney: Microseconds = 1_000_000

/**
 * The shortest time in which a holder is expected to tell a shared store that it is still there, beside the margin. Half of
 * it is left when a lease is renewed: a program that may stand still for 300 ms just before that, with a request written
 * to a buffer, says before the end that it leaves only now. One that opens its first connections stands still for some 200 ms.
 */
const shortestLease: Microseconds = 600_000

/**
 * What a margin comes to. In one process the provisional end is the end of the journey: whoever reserves moves it on first.
 * On a shared store nobody else can, so that a lease comes before the journey; its holder moves it on in time,
 * and writes nothing when it could not.
 * @param holds whether units are held from their grant until they arrive; if not, a margin of zero needs no lease
 */
export function leaseTerms(margin: Microseconds | 'settle', isShared: boolean, holds: boolean): LeaseTerms {
  if (margin === 'settle') {
    const span = isShared ? sharedSettleSpan : settleSpan
    const journey = isShared ? span / 2 : 0
    return { travel: undefined, span, journey, unanswered: longestJourney, leased: isShared }
  }
  const leased = isShared && (holds || margin > 0)
  const lease = leased ? Math.max(margin, shortestLease) : 0
  return { travel: margin, span: margin + lease, journey: margin, unanswered: margin, leased }
}
