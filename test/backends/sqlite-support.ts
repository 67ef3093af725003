import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'sqlite-test-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

let files = 0

/** The path of a file that is not there yet, in a folder that goes after the tests. */
export function newFile(): string {
  return join(folder, `${files++}.db`)
}
