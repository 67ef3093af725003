/**
 * Measures whether the limit holds, and is used, as the server sees it; docs/accuracy.md explains it
 * and shows the tables. The exit status is 1 when a request was one too many.
 *
 *   node scripts/accuracy.ts --conditions loopback --backend redis --seconds 6
 */
import { parseArgs } from 'node:util'
import { cases } from './accuracy/cases.ts'
import { type Conditions, conditions, type ConditionsName } from './accuracy/conditions.ts'
import { measure } from './accuracy/measure.ts'
import { heading, toLine, writeDocument } from './accuracy/report.ts'

const names = Object.keys(conditions) as ConditionsName[]
const usage = `node scripts/accuracy.ts [options]
  --conditions NAME  one of ${names.join(', ')} (default: ${names[0]})
  --backend NAME     only this one: memory, sqlite or redis; may be given several times
  --type NAME        only this algorithm; may be given several times
  --processes N      only cases with so many processes
  --workload NAME    only A or B
  --seconds N        how long each case runs (default: 6)
  --margin TIME      the limiter's margin, a duration or 'settle', instead of the conditions' own
  --write            puts the table into docs/accuracy.md`

const { values } = parseArgs({
  options: {
    conditions: { type: 'string', default: 'loopback' },
    backend: { type: 'string', multiple: true },
    type: { type: 'string', multiple: true },
    processes: { type: 'string' },
    workload: { type: 'string' },
    seconds: { type: 'string', default: '6' },
    margin: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const name = names.find((each) => each === values.conditions)
const chosen = cases.filter(
  ({ parameters, backend, processes, workload }) =>
    (values.type?.includes(parameters.type) ?? true) &&
    (values.backend?.includes(backend) ?? true) &&
    (values.workload ?? workload) === workload &&
    Number(values.processes ?? processes) === processes,
)

if (values.help || !(seconds > 0) || name === undefined || chosen.length === 0) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = values.help ? 0 : 2
} else {
  await main(name)
}

async function main(which: ConditionsName): Promise<void> {
  const { margin } = values
  const given: Conditions = { ...conditions[which], ...(margin === undefined ? {} : { margin }) }
  const table = [...heading]
  console.log(table.join('\n'))
  for (const each of chosen) {
    const observation = await measure(each, given, seconds)
    const line = toLine(observation)
    console.log(line)
    table.push(line)
    if (observation.tooMany > 0) process.exitCode = 1
  }
  const command = ['node scripts/accuracy.ts', ...process.argv.slice(2)].join(' ')
  if (values.write) writeDocument(which, given.text, table, command)
}
