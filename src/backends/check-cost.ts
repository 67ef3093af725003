import { OptionError } from '../core/errors.ts'
import type { LimitKey } from './contract.ts'

/**
 * What can never be granted is an error, instead of an endless wait.
 * @throws OptionError
 */
export function checkCost({ rule }: LimitKey, cost: number): void {
  if (cost <= rule.capacity) return
  throw new OptionError(`cost: ${cost} can never be granted: the limit’s capacity is ${rule.capacity}`)
}
