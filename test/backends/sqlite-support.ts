import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import type { SqliteLimitStore } from '../../src/backends/sqlite/sqlite-limit-store.ts'
import { OptionError, SessionError } from '../../src/core/errors.ts'
import { limitOf } from '../../src/testing/limit-store-subject.ts'

const folder = newFolder()

let files = 0

/** A folder that goes after the tests. Other users may look into it. */
export function newFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sqlite-test-'))
  chmodSync(path, 0o755)
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

/** The path of a file that is not there yet, in a folder that goes after the tests. */
export function newFile(): string {
  return join(folder, `${files++}.db`)
}

/** Two units an hour. */
export const rule = slidingWindow({ limit: 2, window: 3_600_000_000, margin: 0 })
export const limit = limitOf(rule)

/** What a reservation is: granted, denied, or the error that it meets. */
export async function outcome(store: SqliteLimitStore, of = limit): Promise<string> {
  try {
    return (await store.reserve(of, 1, 0, 0)).allowed ? 'granted' : 'denied'
  } catch (error) {
    assert.ok(error instanceof SessionError || error instanceof OptionError, String(error))
    return `${error.code}: ${error.message}`
  }
}
