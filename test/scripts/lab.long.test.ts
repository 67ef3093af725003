import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAsTheorySays, labLines } from '../../scripts/accuracy/lab-lines.ts'
import { runBuilt } from '../support/run.ts'

const program = join(import.meta.dirname, '../../scripts/lab.ts')

const table = (theory: number, measured: number, tooMany: number): string =>
  `| type | backend | mode | requests | ids | theory | measured | at the server | too many |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
| gcra | redis | blocking | 25 | 0 to 99 | ${theory} ms | ${measured} ms | 2007 ms | ${tooMany} |
`

test('the lab’s table is read line by line', () => {
  const [line, ...rest] = labLines(table(2_000, 2_024, 1))
  assert.deepEqual(rest, [])
  assert.deepEqual(line?.cells.slice(0, 3), ['gcra', 'redis', 'blocking'])
  assert.deepEqual([line?.requests, line?.ids], [25, [0, 99]])
  assert.deepEqual([line?.theory, line?.measured, line?.tooMany], [2_000, 2_024, 1])
})

test('a run is as theory says within 5 % or 100 ms, either way, when no request was too many', () => {
  const says = (theory: number, measured: number, tooMany = 0): boolean =>
    labLines(table(theory, measured, tooMany)).every(isAsTheorySays)
  assert.deepEqual(
    [says(400, 500), says(400, 501), says(400, 300), says(400, 299)],
    [true, false, true, false],
  )
  assert.deepEqual([says(4_000, 4_200), says(4_000, 4_201)], [true, false])
  assert.equal(says(400, 400, 1), false)
})

test('a table that is not as theory says is no success, and is not written', async () => {
  const document = join(import.meta.dirname, '../../docs/accuracy.md')
  const before = readFileSync(document, 'utf8')
  // All may go at once, in no time: three thousand blocking requests take longer than the 100 ms that are forgiven.
  const tooMuch = '--type slidingwindow --backend memory --requests 3000 --limit 3000 --write'
  try {
    const { stderr, status } = await runBuilt([program, ...tooMuch.split(' ')])
    assert.match(stderr, /^not as theory says: slidingwindow memory blocking 3000/m)
    assert.match(stderr, /^docs\/accuracy.md stays as it is$/m)
    assert.equal(status, 1)
    assert.equal(readFileSync(document, 'utf8'), before)
  } finally {
    writeFileSync(document, before)
  }
})

test('a lab that does not run is no success either', async () => {
  const { stderr, status } = await runBuilt([program, '--type', 'bucket'])
  assert.match(stderr, /type: 'bucket' is not one of/)
  assert.equal(status, 1)
})
