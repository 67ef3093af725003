import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Grant } from '../../src/algorithms/rule.ts'
import type { LimitKey } from '../../src/backends/contract.ts'
import { type KeptEnd, KeptEnds } from '../../src/ratelimit/kept-ends.ts'
import { parseRatelimitOptions } from '../../src/ratelimit/options.ts'

const second = 1_000_000
const { rule } = parseRatelimitOptions({ limit: 2, window: '1s' }, 'test')
const limit: LimitKey = { prefix: 'p', name: 'k', key: 'p:k:ratelimit:slidingwindow', rule, retention: 0 }

function grantAt(at: number): Grant {
  return { at, until: at, cost: 1, mark: 0 }
}

function endOf(grant: Grant, until: number | undefined): KeptEnd {
  return { limit, grant, until, tellings: 0 }
}

/** What is told, in order. */
async function told(ends: KeptEnds, now: number): Promise<(number | undefined)[]> {
  const heard: (number | undefined)[] = []
  await ends.tellAll(
    () => now,
    ({ until }) => void heard.push(until),
  )
  return heard
}

test('of each grant the last word is told, once', async () => {
  const ends = new KeptEnds()
  const grant = grantAt(0)
  ends.keep(endOf(grant, 5))
  ends.keep(endOf(grantAt(0), 6))
  ends.keep(endOf(grant, 7))
  assert.deepEqual(await told(ends, 10), [6, 7])
  assert.deepEqual(await told(ends, 10), [])
})

test('units that no longer count are left out', async () => {
  const ends = new KeptEnds()
  for (const at of [0, 1, second]) ends.keep(endOf(grantAt(at), at))
  ends.keep(endOf(grantAt(second), undefined))
  assert.deepEqual(await told(ends, second), [1, second, undefined])
})

test('many are told a few at a time, so that other things happen in between', async () => {
  const ends = new KeptEnds()
  for (let at = 1; at <= 1_000; at++) ends.keep(endOf(grantAt(at), at))
  let turns = 0
  const count = (): void => {
    turns++
    if (ends.size > 0) setImmediate(count)
  }
  setImmediate(count)
  assert.equal((await told(ends, second)).length, 1_000)
  assert.ok(turns >= 10, `${turns} turns`)
})

test('there is a most, and the oldest go', async () => {
  const ends = new KeptEnds()
  for (let at = 1; at <= 100_003; at++) ends.keep(endOf(grantAt(at), at))
  const heard = await told(ends, second)
  assert.equal(heard.length, 100_000)
  assert.equal(heard[0], 4)
})

test('one that a backend chokes on is told three times at most, and the others in between', async () => {
  const ends = new KeptEnds()
  ends.keep(endOf(grantAt(1), 9))
  let tellings = 0
  const choke = (): Promise<void> => {
    tellings++
    return Promise.reject(new Error('no'))
  }
  for (let trial = 0; trial < 3; trial++)
    await assert.rejects(
      ends.tellAll(() => 10, choke),
      /no/,
    )
  assert.equal(ends.size, 0)
  assert.equal(tellings, 3)
})

test('an end that may have been heard is not told again where that could take off other units', async () => {
  const ends = new KeptEnds()
  ends.unanswered(endOf(grantAt(5), 4))
  ends.unanswered(endOf(grantAt(5), undefined))
  assert.equal(ends.size, 0)
  const grant = grantAt(5)
  ends.keep(endOf(grant, 8))
  ends.unanswered(endOf(grant, 6))
  assert.deepEqual(await told(ends, 10), [8])
})
