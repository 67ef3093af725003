import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../support/run.ts'

test('who waits for a backend that is away keeps the program alive, whoever gave up before', async () => {
  const { stdout, status } = await run([join(import.meta.dirname, 'programs', 'latecomer.ts')])
  assert.deepEqual([stdout.split('\n'), status], [['AbortError', 'ERR_CLOSED', ''], 0])
})
