import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { killWriters } from '../support/cache-killing.ts'
import { newFile } from './sqlite-support.ts'

test('processes that are killed while they write leave nothing corrupt in an SQLite file, and it opens', async () => {
  const db = newFile()
  assert.ok((await killWriters({ db }, 12, 1)) > 50)
  const file = new DatabaseSync(db)
  assert.deepEqual({ ...file.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' })
  // what is listed is what is there
  const { bytes, sum } = file
    .prepare(`SELECT bytes, (SELECT sum(size) FROM http_sessions_entries) AS sum FROM http_sessions_totals
      WHERE prefix = 'all'`)
    .get() as { bytes: number; sum: number }
  file.close()
  assert.equal(bytes, sum)
})
