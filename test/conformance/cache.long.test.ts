import { describe } from 'node:test'
import { subjects } from './cases.ts'
import { runCases } from './run-cases.ts'

for (const [subject, cases] of Object.entries(subjects)) describe(subject, () => runCases(cases))
