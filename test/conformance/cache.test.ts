import { describe } from 'node:test'
import type { Case } from './case.ts'
import { ages, heuristics, lifetimes } from './freshness.cases.ts'
import { parts } from './parts.cases.ts'
import { runCases } from './run-cases.ts'
import { heads, invalidation, selecting } from './selecting.cases.ts'
import { storing } from './storing.cases.ts'
import { preconditions, validating } from './validating.cases.ts'
import { staleness, wishes } from './wishes.cases.ts'

const subjects: Readonly<Record<string, readonly Case[]>> = {
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

for (const [subject, cases] of Object.entries(subjects)) describe(subject, () => runCases(cases))
