import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LabLine, labLines } from '../scripts/accuracy/lab-lines.ts'
import { type Run, runBuilt } from './support/run.ts'

const program = join(import.meta.dirname, '../examples/ratelimit-lab.ts')

function lab(args: string): Promise<Run> {
  return runBuilt([program, ...args.split(' ')])
}

/** The lines of a run that ended well: one for each algorithm, backend and way of asking. */
async function linesOf(args: string, types: readonly string[]): Promise<LabLine[]> {
  const { stdout, stderr, status } = await lab(args)
  assert.equal(status, 0, stderr)
  const lines = labLines(stdout)
  const wanted = types.flatMap((type) =>
    ['memory', 'sqlite', 'redis'].flatMap((backend) =>
      ['blocking', 'asynchronous'].map((mode) => [type, backend, mode]),
    ),
  )
  assert.deepEqual(
    lines.map(({ cells }) => cells.slice(0, 3)),
    wanted,
  )
  return lines
}

/**
 * What no stall of the server, of this process or of the machine can change, where requests that are under way count
 * until they are answered: nobody is too early, and nothing is lost. How late it may be is a matter for scripts/lab.ts.
 */
function assertLimited(
  { cells, requests, theory, measured, tooMany }: LabLine,
  expected: LabLine['theory'],
): void {
  const line = cells.join(' | ')
  assert.equal(requests, 12, line)
  assert.equal(theory, expected, line)
  assert.ok(measured >= theory - 1, `sooner than theory says, by more than rounding: ${line}`)
  assert.equal(tooMany, 0, line)
}

test('the lab: limits that are given hold, and take the time that theory says at least', async () => {
  const types = ['slidingwindow', 'tokenbucket', 'leakybucket']
  const args =
    '--margin settle --requests 12 --limit 4 --window 100ms --capacity 8 --rate 20 --seed 1 --min 7 --max 7'
  const lines = await linesOf(`${types.map((type) => `--type ${type} `).join('')}${args}`, types)
  for (const line of lines) {
    assertLimited(line, 200)
    assert.deepEqual(line.ids, [7, 7])
  }
})

test('the lab: parameters that makeTest chooses beside those that are given do so too', async () => {
  const types = ['fixedwindow', 'gcra']
  // One edge between fixed windows: how a server lays them after a whole one without a request is its own affair.
  const given = '--requests 12 --limit 11 --period 50ms --min 3 --max 5'
  const chosen = '--random --seed 5 --target-time 240ms --tolerance 0.1'
  const lines = await linesOf(`--type fixedwindow --type gcra --margin settle ${given} ${chosen}`, types)
  for (const line of lines) {
    assert.ok(line.theory >= 216 && line.theory <= 264, line.cells.join(' | '))
    assertLimited(line, line.theory)
    assert.ok(line.ids.every((id) => id >= 3 && id <= 5))
  }
  // A period of 50 ms leaves but one number of requests that may go at once.
  for (const { cells, theory } of lines) if (cells[0] === 'gcra') assert.equal(theory, 250)
})

for (const [args, message] of [
  [
    '--random --type gcra --requests 7 --period 1s --target-time 400ms',
    /no parameters make 7 requests take '400ms'/,
  ],
  [
    '--random --type fixedwindow --requests 10-20 --limit 30',
    /no parameters make 10 to 20 requests take '2s'/,
  ],
  ['--random --requests few', /nTests: 'few' must be a whole number/],
  ['--random --tolerance 2', /tolerance: 2 must be a fraction/],
  ['--type gcra --limit 5', /--limit belongs to slidingwindow and fixedwindow/],
  ['--type gcra --target-time 1s', /--target-time belongs to --random/],
  ['--requests 10-20', /--requests 10-20: a range belongs to --random/],
] as const) {
  test(`the lab: ${args} is an error, and nothing runs`, async () => {
    const { stdout, stderr, status } = await lab(args)
    assert.equal(status, 1)
    assert.match(stderr, message)
    assert.equal(stdout, '')
  })
}
