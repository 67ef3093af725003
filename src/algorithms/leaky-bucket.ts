import type { Microseconds, Ratio } from '../core/duration.ts'
import { gcraKernel, type GcraState } from './gcra.ts'
import type { Rule } from './rule.ts'

/** Parameters of a leaky bucket. */
export interface LeakyBucketOptions {
  /** Units that fit in. */
  readonly capacity: number
  /** Microseconds that a unit takes to leak out. */
  readonly interval: Ratio
  readonly margin: Microseconds
  /** `meter`: units go as long as they fit. `queue`: they go one per interval; the waiting queue holds up to `capacity`. */
  readonly shape: 'meter' | 'queue'
}

/** GCRA with T = interval, and B = capacity as a meter or B = 1 as a queue. */
export function leakyBucket({ capacity, interval, margin, shape }: LeakyBucketOptions): Rule<GcraState> {
  const burst = shape === 'queue' ? 1 : Math.floor(capacity)
  return gcraKernel({ algorithm: 'leakybucket', burst, interval, margin })
}
