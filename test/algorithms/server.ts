import type { Grant, Rule } from '../../src/algorithms/rule.ts'
import { Random } from '../../src/testing/random.ts'

/** Draws a whole number from 0 to `below` - 1. */
export type Draw = (below: number) => number

/** The same numbers for the same seed. */
export function drawing(seed: number): Draw {
  const random = new Random(seed)
  return (below) => random.integer(0, below - 1)
}

/** A unit that reaches the server at some instant between these. */
export interface Travel {
  readonly from: number
  readonly to: number
  /** Whether it never may. */
  readonly isLost: boolean
}

/** A request under way, as its ticket knows it. */
interface Trip {
  grant: Grant
  from: number
  readonly writtenAt: number
  readonly endsAt: number
  readonly isCancelled: boolean
  /** Whether it is never answered. */
  readonly isLost: boolean
  /** By when it was said to have arrived, if it has: its answer was later than the longest journey. */
  lateEnd: number | undefined
}

export interface Load {
  readonly margin: number
  /** About how far apart reservations are. */
  readonly pace: number
  readonly steps: number
  /** Reserve ahead, every request leaving on time; or take only what is free at once, and leave late. */
  readonly ahead: boolean
  /** Only an answer tells that a unit has arrived, however long it takes: `margin: 'settle'`. Not with `ahead`. */
  readonly settling: boolean
  /** Whether some requests fail after they were written, the first ones most of all. */
  readonly lossy: boolean
}

/**
 * A client that obeys `rule` and settles its tickets as the limiter does: what was not written when its
 * end passed is moved on before the next reservation, what was answered ends at the answer or a
 * margin after it was written, what was not written may be cancelled in any order. Where only answers tell, what was
 * written is moved on until then. What is not answered is said to be lost, until an answer comes after all.
 * @returns when each unit that was sent may have arrived
 */
export function travels(rule: Rule<unknown>, load: Load, draw: Draw): Travel[] {
  const { margin, pace, steps, ahead, settling, lossy } = load
  const lostAtFirst = lossy ? draw(12) : 0
  const state = rule.initial()
  const travelled: Travel[] = []
  let trips: Trip[] = []
  let now = 1_000_000

  const arrive = ({ grant, from, isLost }: Trip, to: number): void => {
    const travel = { from, to: Math.max(to, from), isLost }
    for (let unit = 0; unit < grant.cost; unit++) travelled.push(travel)
  }
  const finish = (trip: Trip, until: number): void => {
    if (until !== trip.grant.until) rule.settle(state, trip.grant, until, 'arrived')
    arrive(trip, until)
  }
  const lose = (trip: Trip, until: number): void => {
    trip.grant = rule.settle(state, trip.grant, until, 'lost')
  }
  /** Whatever is known of it is said: a request that failed may still be under way. */
  const end = (trip: Trip): void => {
    const { endsAt, grant, isLost, lateEnd } = trip
    if (lateEnd !== undefined) {
      if (!isLost && rule.awaits(grant)) rule.settle(state, grant, lateEnd, 'arrived')
      arrive(trip, lateEnd)
    } else if (isLost) {
      const until = settling ? endsAt + draw(3 * margin + 1) : trip.writtenAt + margin
      lose(trip, until)
      arrive(trip, until)
    } else finish(trip, arrivedBy(trip, endsAt))
  }
  const arrivedBy = ({ writtenAt }: Trip, answeredAt: number): number =>
    settling ? answeredAt : Math.min(answeredAt, writtenAt + margin)
  const endTrips = (): void => {
    for (const trip of trips.filter((each) => each.endsAt <= now).sort((a, b) => a.endsAt - b.endsAt)) {
      if (trip.isCancelled) rule.cancel(state, trip.grant, trip.endsAt)
      else end(trip)
    }
    trips = trips.filter((each) => each.endsAt > now)
  }
  const moveOn = (): void => {
    for (const trip of trips.filter((each) => isUnderWay(each, now))) {
      if (!trip.isCancelled && trip.writtenAt <= now) {
        if (settling) {
          trip.grant = rule.settle(state, trip.grant, now + margin, 'sent')
          continue
        }
        trip.lateEnd = trip.writtenAt + margin
        lose(trip, trip.lateEnd)
      } else {
        trip.grant = rule.settle(state, trip.grant, now + margin, 'unsent')
        trip.from = now
      }
    }
  }

  const answerTime = (): number => {
    if (settling && draw(3) === 0) return draw(6 * pace)
    return draw(4) === 0 ? draw(3 * margin + 1) : draw(margin + 1)
  }

  for (let step = 0; step < steps; step++) {
    now += draw(3) === 0 ? draw(2 * pace) : draw(4)
    endTrips()
    moveOn()
    const cost = draw(4) === 0 ? Math.min(2, rule.capacity) : 1
    const notBefore = ahead && draw(4) === 0 ? now + draw(pace) : 0
    const at = rule.plan(state, now, cost, notBefore)
    if (at > now && !ahead) {
      if (draw(3) === 0) now = at
      continue
    }
    if (at - now > 6 * pace) continue
    const grant = rule.commit(state, now, cost, at)
    const late = ahead || draw(3) > 0 ? 0 : draw(3 * margin + pace)
    const writtenAt = at + late
    const isCancelled = draw(5) === 0
    const endsAt = isCancelled
      ? ahead
        ? now + draw(at - now + 1)
        : at + draw(late + 1)
      : writtenAt + answerTime()
    const isLost = lossy && (trips.length + travelled.length < lostAtFirst || draw(6) === 0)
    trips.push({ grant, from: at, writtenAt, endsAt, isCancelled, isLost, lateEnd: undefined })
  }
  now = Number.MAX_SAFE_INTEGER
  endTrips()
  return travelled
}

function isUnderWay({ grant, lateEnd }: Trip, now: number): boolean {
  return lateEnd === undefined && grant.until < now
}

/**
 * An arrival for each travel: as early or as late as can be, one or the other from some instant on, or anywhere. Of those
 * that are lost, none arrives, or some, or all.
 */
export function arrivals(possible: readonly Travel[], draw: Draw): number[] {
  const arriving = draw(4)
  const travelled = possible.filter(
    ({ isLost }) => !isLost || arriving === 3 || (arriving > 0 && draw(2) === 0),
  )
  const way = draw(5)
  const turn = draw(travelled.length + 1)
  const instants = travelled.map(({ from, to }, index) => {
    if (way === 0) return from
    if (way === 1) return to
    if (way === 2) return index < turn ? to : from
    if (way === 3) return draw(2) === 0 ? from : to
    return from + draw(to - from + 1)
  })
  return instants.sort((a, b) => a - b)
}

/** How many a server's own GCRA turns away, in whole numbers: instants times the denominator. */
export function turnedAway(
  instants: readonly number[],
  burst: number,
  { numerator, denominator }: { numerator: number; denominator: number },
): number {
  let tat = 0
  let away = 0
  for (const instant of instants) {
    const at = instant * denominator
    const next = Math.max(tat, at) + numerator
    if (next - burst * numerator > at) away++
    else tat = next
  }
  return away
}
