import type { Microseconds, Ratio } from '../core/duration.ts'
import { gcraKernel, type GcraState } from './gcra.ts'
import type { Rule } from './rule.ts'

/** Parameters of a token bucket. */
export interface TokenBucketOptions {
  /** Tokens in a full bucket, as it is at the start. */
  readonly capacity: number
  /** Microseconds that a token takes to come back. */
  readonly interval: Ratio
  readonly margin: Microseconds
}

/** `capacity` units at once, then one for each token that comes back: GCRA with B = capacity and T = interval. */
export function tokenBucket({ capacity, interval, margin }: TokenBucketOptions): Rule<GcraState> {
  return gcraKernel({ algorithm: 'tokenbucket', burst: Math.floor(capacity), interval, margin })
}
