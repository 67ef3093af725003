import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const script = join(import.meta.dirname, '../../scripts/test-needs.ts')

/** Runs the script with nothing on the PATH but what is in `folder`. */
function runWith(folder: string): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [script], { encoding: 'utf8', env: { ...process.env, PATH: folder } })
}

test('what is there is not installed; what is missing and cannot be installed is one line', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const missing = runWith(folder)
  assert.equal(missing.status, 1)
  assert.match(missing.stderr, /^The tests need redis-server .*apt-get install redis-server\n$/)
  writeFileSync(join(folder, 'valkey-server'), '', { mode: 0o755 })
  const { status, stderr } = runWith(folder)
  assert.deepEqual([status, stderr], [0, ''])
})
