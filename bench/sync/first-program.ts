import type { Subject } from '../subject.ts'

/* Prints the seconds from the making of a client to its first answer, in a process that has just begun. */

const [module, url] = process.argv.slice(2) as [string, string]
const { subject } = (await import(module)) as { subject: Subject }
const startedAt = performance.now()
const round = await subject({ url, atATime: 1, options: {} })
await round(1)
console.log((performance.now() - startedAt) / 1_000)
process.exit()
