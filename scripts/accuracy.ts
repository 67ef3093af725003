/**
 * Measures whether the limit holds, and is used, as the server sees it; docs/accuracy.md explains it
 * and shows the table. The exit status is 1 when a request was one too many.
 *
 *   node scripts/accuracy.ts --seconds 6 --margin 50ms --write
 */
import { parseArgs } from 'node:util'
import { cases } from './accuracy/cases.ts'
import { measure } from './accuracy/measure.ts'
import { heading, toLine, writeDocument } from './accuracy/report.ts'

const usage = `node scripts/accuracy.ts [options]
  --seconds N     how long each of the ten cases runs (default: 6)
  --margin TIME   the limiter's margin, a duration or 'settle' (default: the session's own)
  --write         puts the table into docs/accuracy.md`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '6' },
    margin: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)

if (values.help || !(seconds > 0)) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = values.help ? 0 : 2
} else {
  await main()
}

async function main(): Promise<void> {
  const table = [...heading]
  console.log(table.join('\n'))
  for (const each of cases) {
    const observation = await measure(each, { seconds, margin: values.margin })
    const line = toLine(observation, values.margin ?? 'default')
    console.log(line)
    table.push(line)
    if (observation.tooMany > 0) process.exitCode = 1
  }
  if (values.write) writeDocument(table, ['node scripts/accuracy.ts', ...process.argv.slice(2)].join(' '))
}
