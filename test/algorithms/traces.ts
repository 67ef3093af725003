import * as fc from 'fast-check'
import type { Progress } from '../../src/algorithms/rule.ts'

/** One thing that happens to a limiter. Spans in parts of the test's own time scale. */
export type Step =
  | { readonly kind: 'advance'; readonly span: number }
  | { readonly kind: 'stepBack'; readonly span: number }
  | { readonly kind: 'reserve'; readonly cost: number; readonly notBefore: number; readonly maxWait: number }
  | SettleStep
  | { readonly kind: 'cancel'; readonly pick: number }
  | { readonly kind: 'reconfigure'; readonly pick: number }

/** It is said until when units may arrive. */
export interface SettleStep {
  readonly kind: 'settle'
  readonly pick: number
  readonly span: number
  readonly progress: Progress
}

const pick = fc.nat(50)
const progress = fc.constantFrom<Progress>('unsent', 'sent', 'lost', 'arrived')

/** A walk through everything that can happen; `scale` is about the length of a window, in microseconds. */
export function traces(scale: number): fc.Arbitrary<Step[]> {
  const span = fc.oneof(fc.nat(3), fc.nat(Math.ceil(scale / 4)), fc.nat(2 * scale))
  const reserve = fc.record({
    kind: fc.constant('reserve' as const),
    cost: fc.integer({ min: 1, max: 3 }),
    notBefore: fc.oneof(fc.constant(0), span),
    maxWait: fc.oneof(fc.constant(0), fc.constant(Number.POSITIVE_INFINITY), span),
  })
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance' as const), span }) },
    { weight: 8, arbitrary: reserve },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('settle' as const), pick, span, progress }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick }) },
    {
      weight: 1,
      arbitrary: fc.oneof(
        fc.record({ kind: fc.constant('reconfigure' as const), pick }),
        fc.record({
          kind: fc.constant('stepBack' as const),
          span: fc.oneof(fc.nat(scale), fc.constant(900_000), fc.constant(1e12)),
        }),
      ),
    },
  )
  return fc.array(step, { maxLength: 40, size: 'max' })
}
