import { allOf } from '../algorithms/all-of.ts'
import { fixedWindow } from '../algorithms/fixed-window.ts'
import { gcraKernel } from '../algorithms/gcra.ts'
import type { AlgorithmName, KernelName, KernelParameters, Rule } from '../algorithms/rule.ts'
import { slidingWindow } from '../algorithms/sliding-window.ts'

/**
 * A rule that grants `share` of what another one does: windows hold fewer units, the others are slower and
 * have a smaller burst. At least one unit always goes at a time.
 * @param share above 0, at most 1
 */
export function scaledRule(rule: Rule<unknown>, share: number): Rule<unknown> {
  if (share === 1) return rule
  const algorithms = rule.algorithm.split('+') as AlgorithmName[]
  return allOf(
    rule.kernels.map(({ kernel, numbers }, index) =>
      scale[kernel](numbers, share, algorithms[index] as AlgorithmName),
    ),
  )
}

type Numbers = KernelParameters['numbers']
type OfWindow = readonly [limit: number, window: number, margin: number, start?: number]
type OfGcra = readonly [burst: number, whole: number, fraction: number, parts: number, margin: number]

const scale: Record<
  KernelName,
  (numbers: Numbers, share: number, algorithm: AlgorithmName) => Rule<unknown>
> = {
  slidingwindow(numbers, share) {
    const [limit, window, margin] = numbers as unknown as OfWindow
    return slidingWindow({ limit: part(limit, share), window, margin })
  },
  fixedwindow(numbers, share) {
    const [limit, window, margin, start] = numbers as unknown as OfWindow
    const align = start === 1 ? 'clock' : 'first'
    return fixedWindow({ limit: part(limit, share), window, margin, align, leased: start === 2 })
  },
  gcra(numbers, share, algorithm) {
    const [burst, whole, fraction, parts, margin] = numbers as unknown as OfGcra
    const numerator = Math.min(Math.ceil((whole * parts + fraction) / share), Number.MAX_SAFE_INTEGER)
    const interval = { numerator, denominator: parts }
    return gcraKernel({ algorithm, burst: part(burst, share), interval, margin })
  },
}

/** Whole units of `limit`. A share such as 0.29 is a little less than it says: 100 of it are 29 nevertheless. */
function part(limit: number, share: number): number {
  return Math.max(1, Math.floor(limit * share + 1e-9))
}
