import type { Case } from './case.ts'
import { ages, heuristics, lifetimes } from './freshness.cases.ts'
import { parts } from './parts.cases.ts'
import { heads, invalidation, selecting } from './selecting.cases.ts'
import { storing } from './storing.cases.ts'
import { preconditions, validating } from './validating.cases.ts'
import { staleness, wishes } from './wishes.cases.ts'

/** Every case, by subject. */
export const subjects: Readonly<Record<string, readonly Case[]>> = {
  lifetimes,
  ages,
  heuristics,
  storing,
  validating,
  preconditions,
  wishes,
  staleness,
  parts,
  selecting,
  invalidation,
  heads,
}
