/**
 * Runs examples/ratelimit-lab.ts, and judges its table: each run within 5 % or 100 ms of theory, and no request too
 * many at the server; the exit status is 1 otherwise. `--write` puts such a table, and no other, into docs/accuracy.md;
 * all other options are the example's. It works with the built package.
 *
 *   node scripts/lab.ts --type gcra --requests 10
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { isAsTheorySays, labLines } from './accuracy/lab-lines.ts'
import { writeDocument } from './accuracy/report.ts'

const text = `Five algorithms on three backends, one blocking request after another and all at once asynchronously. Theory
says when a perfect limiter would have let the last request go; measured is the time of the whole run; at the server,
from the first arrival to the last.`

const program = join(import.meta.dirname, '../examples/ratelimit-lab.ts')
const args = process.argv.slice(2)
const { stdout, status } = spawnSync(
  process.execPath,
  [program, ...args.filter((arg) => arg !== '--write')],
  {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
process.stdout.write(stdout)
const wrong = labLines(stdout).filter((line) => !isAsTheorySays(line))
for (const { cells } of wrong) console.error(`not as theory says: ${cells.join(' ')}`)
const failed = wrong.length > 0 ? 1 : (status ?? 1)
process.exitCode = failed
if (args.includes('--write')) {
  if (failed === 0) {
    writeDocument('lab', text, stdout.trim().split('\n'), ['node scripts/lab.ts', ...args].join(' '))
  } else console.error('docs/accuracy.md stays as it is')
}
