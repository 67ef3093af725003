import type { Rule } from '../algorithms/rule.ts'
import type { Microseconds } from '../core/duration.ts'

const known = new WeakMap<Rule<unknown>, Microseconds>()

/** How long a rule minds units at the longest: counted from their grant, or from when they arrived if that is later. */
export function memoryOf(rule: Rule<unknown>): Microseconds {
  let memory = known.get(rule)
  if (memory === undefined) {
    const state = rule.initial()
    rule.commit(state, 0, rule.capacity, rule.plan(state, 0, rule.capacity, 0))
    memory = rule.expiresAt(state)
    known.set(rule, memory)
  }
  return memory
}
