import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { EmissionInterval } from '../../src/algorithms/emission.ts'
import { roundedUp } from './reference-model.ts'

const ratio = fc.record({
  numerator: fc.integer({ min: 1, max: 10 ** 10 }),
  denominator: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 2 ** 20 })),
})
const base = 1_800_000_000_000_000

test('multiples of an interval are added exactly, forwards and backwards', () => {
  fc.assert(
    fc.property(
      ratio,
      fc.array(fc.integer({ min: -1_000, max: 1_000 }), { maxLength: 30 }),
      fc.integer({ min: -100, max: 100 }),
      ({ numerator, denominator }, moves, units) => {
        const interval = new EmissionInterval({ numerator, denominator })
        const [above, below] = [BigInt(numerator), BigInt(denominator)]
        const instant = { tat: base, rest: 0 }
        let exact = BigInt(base) * below
        for (const move of moves) {
          interval.move(instant, move)
          exact += BigInt(move) * above
          assert.equal(BigInt(instant.tat) * below + BigInt(instant.rest), exact)
          assert.ok(instant.rest >= 0 && instant.rest < denominator)
        }
        const moved = roundedUp(exact + BigInt(units) * above, below)
        assert.equal(interval.ceiling(instant, units), Number(moved))
        // The greatest number of units that does not lead past an end, one microsecond more or less.
        assert.ok(interval.unitsUpTo(instant, Number(moved)) >= units)
        assert.ok(interval.unitsUpTo(instant, Number(moved) - 1) < units)
      },
    ),
    // Instants stay below 2^53: sums of a thousand intervals of up to 10^9 µs do.
    { seed: 5, numRuns: 3_000, examples: [[{ numerator: 1_000_000, denominator: 3 }, [1, 1, 1], 1]] },
  )
})

test('an interval finer than a millionth of a microsecond is taken as slower by less than that, never faster', () => {
  const numerator = 1_000_000_000_000
  const denominator = 999_999_999_999
  const interval = new EmissionInterval({ numerator, denominator })
  const instant = { tat: 0, rest: 0 }
  interval.move(instant, 1_000_000_000)
  const microseconds = instant.tat + instant.rest / interval.parts
  const exact = (1e9 * numerator) / denominator
  assert.ok(microseconds >= exact && microseconds < exact + 1e9 / 2 ** 20)
})
