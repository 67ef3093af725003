import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { allOf } from '../../src/algorithms/all-of.ts'
import type { Grant, Rule } from '../../src/algorithms/rule.ts'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import { tokenBucket } from '../../src/algorithms/token-bucket.ts'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { SqliteLimitStore } from '../../src/backends/sqlite/sqlite-limit-store.ts'
import { limitOf, start } from '../../src/testing/limit-store-subject.ts'
import { Random } from '../../src/testing/random.ts'
import { SteppedClock } from '../../src/testing/stepped-clock.ts'
import { newFile } from './sqlite-support.ts'

const second = 1_000_000
const long = slidingWindow({ limit: 2_000, window: second, margin: 20_000 })
const rules: Readonly<Record<string, Rule<unknown>>> = {
  'a long window': long,
  'two long windows and a bucket': allOf([
    long,
    slidingWindow({ limit: 5_000, window: 4 * second, margin: 20_000 }),
    tokenBucket({ capacity: 3_000, interval: { numerator: 500, denominator: 1 }, margin: 20_000 }),
  ]),
}

for (const [name, rule] of Object.entries(rules)) {
  test(`${name}: two processes on one file answer what memory does, however units come and go`, async () => {
    const clock = new SteppedClock(start)
    const from = newFile()
    const memory = new MemoryLimitStore({ clock })
    const processes = [new SqliteLimitStore({ from, clock }), new SqliteLimitStore({ from, clock })]
    const limit = limitOf(rule)
    const source = new Random(7)
    const random = (below: number): number => source.integer(0, below - 1)
    const held: [Grant, Grant][] = []
    let granted = 0
    for (let step = 0; step < 4_000; step++) {
      const store = processes[random(2)] as SqliteLimitStore
      clock.at += random(4) === 0 ? 0 : random(3_000)
      if (random(400) === 0) clock.at += random(2) === 0 ? -random(3 * second) : random(2 * second)
      const kind = random(10)
      if (kind < 6) {
        const costs = Array.from({ length: 1 + random(8) }, () => 1 + random(3))
        const expected = memory.reserveEach(limit, costs)
        const answer = await store.reserveEach(limit, costs)
        assert.deepEqual(answer.grants, expected.grants, `step ${step}`)
        assert.equal(answer.denial?.retryAfter, expected.denial?.retryAfter, `step ${step}`)
        for (const [index, grant] of expected.grants.entries())
          held.push([grant, answer.grants[index] as Grant])
        granted += answer.grants.length
      } else if (kind < 8 && held.length > 0) {
        const [pair] = held.splice(
          random(2) === 0 ? -1 - random(Math.min(8, held.length)) : random(held.length),
          1,
        )
        const [expected, grant] = pair as [Grant, Grant]
        const until = clock.now() - 2_000 + random(30_000)
        assert.deepEqual(
          await store.settle(limit, grant, until, 'arrived'),
          memory.settle(limit, expected, until, 'arrived'),
          `step ${step}`,
        )
      } else if (kind === 8 && held.length > 0) {
        const [expected, grant] = held.pop() as [Grant, Grant]
        memory.cancel(limit, expected)
        await store.cancel(limit, grant)
      } else {
        assert.deepEqual(await store.peek(limit), memory.peek(limit), `step ${step}`)
      }
    }
    assert.ok(granted > 2_500, `${granted}`)
    for (const store of processes) store.close()
  })
}

test('what a long window keeps is bounded, changes only at its ends, and goes with its key', async () => {
  const clock = new SteppedClock(start)
  const from = newFile()
  const store = new SqliteLimitStore({ from, clock })
  const limit = limitOf(slidingWindow({ limit: 100_000, window: second, margin: 0 }))
  const db = new DatabaseSync(from)
  const pages = (): number => {
    return (db.prepare('SELECT count(*) AS pages FROM http_sessions_instants').get() as { pages: number })
      .pages
  }
  const state = (): number => {
    return (db.prepare('SELECT length(state) AS bytes FROM http_sessions_limits').get() as { bytes: number })
      .bytes
  }
  for (let call = 0; call < 4_000; call++) {
    clock.at += 250
    const { grants } = await store.reserveEach(limit, [1, 1, 1, 1, 1])
    assert.equal(grants.length, 5)
    assert.ok(state() < 1_200, `${state()} bytes`)
  }
  assert.ok(pages() >= 300 && pages() < 320, `${pages()} pages`)
  clock.at += 2 * second
  for (let call = 0; call < 3; call++) await store.reserveEach(limit, [1])
  assert.equal(pages(), 0)
  for (let call = 0; call < 100; call++) await store.reserveEach(limit, [1, 1, 1])
  assert.ok(pages() > 0)
  await store.reset(limit)
  assert.equal(pages(), 0)
  db.close()
  store.close()
})
