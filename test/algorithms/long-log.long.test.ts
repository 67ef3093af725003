import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { InstantLog } from '../../src/algorithms/instant-log.ts'
import { type Archive, LongLog, pageLength } from '../../src/algorithms/long-log.ts'

/** An archive that keeps a list. */
class List implements Archive {
  readonly instants: number[] = []
  /** How often something was put in, or taken out. */
  touched = 0

  get size(): number {
    return this.instants.length
  }

  at(index: number): number {
    return this.instants[index] as number
  }

  set(index: number, instant: number): void {
    this.instants[index] = instant
    this.touched++
  }

  push(page: Float64Array): void {
    this.touched++
    assert.equal(page.length, pageLength)
    this.instants.push(...page)
  }

  pull(): Float64Array {
    this.touched++
    return Float64Array.from(this.instants.splice(-pageLength))
  }

  drop(count: number): void {
    this.instants.splice(0, count)
  }
}

const step = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'remove', 'move', 'dropUpTo', 'capAt'),
  times: fc.integer({ min: 1, max: 150 }),
  value: fc.nat(2_000),
  other: fc.nat(2_000),
})

test('a log whose earlier instants are in an archive answers what one without does', () => {
  let mostArchived = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const plain = new InstantLog()
      const archive = new List()
      const long = new LongLog(archive, new InstantLog())
      for (const { kind, times, value, other } of steps) {
        // One that is there, as a rule.
        const known = plain.size > 0 && other % 4 > 0 ? plain.at(other % plain.size) : other
        for (const log of [plain, long]) {
          if (kind === 'add') for (let unit = 0; unit < times; unit++) log.add(value + unit)
          else if (kind === 'dropUpTo') log.dropUpTo(value / 2)
          else if (kind === 'capAt') log.capAt(2_000 - value / 4)
        }
        if (kind === 'remove') assert.equal(long.remove(known), plain.remove(known))
        if (kind === 'move') assert.equal(long.move(known, value), plain.move(known, value))
        assert.equal(long.countUpTo(other), plain.countUpTo(other))
        if (times % 2 === 0) long.unarchived()
        mostArchived = Math.max(mostArchived, archive.size)
        assert.equal(long.size, plain.size)
        for (let index = 0; index < plain.size; index++) assert.equal(long.at(index), plain.at(index))
      }
      assert.ok(long.unarchived().size < 2 * pageLength)
    }),
    { seed: 6, numRuns: 150 },
  )
  assert.ok(mostArchived > 10 * pageLength, `${mostArchived}`)
})

test('of many equal instants the one is moved, or removed, that is nearest to where it goes', () => {
  const archive = new List()
  const log = new LongLog(archive, new InstantLog())
  for (let unit = 0; unit < 10_000; unit++) log.add(1_000)
  log.unarchived()
  archive.touched = 0
  for (let unit = 1; unit <= 100; unit++) {
    log.move(1_000, unit)
    log.move(1_000, 1_000 + unit)
    log.remove(1_000)
    log.unarchived()
  }
  assert.ok(archive.touched <= 300, `${archive.touched}`)
  assert.equal(log.size, 9_900)
  assert.equal(log.countUpTo(999), 100)
  assert.equal(log.countUpTo(1_000), 9_800)
})
