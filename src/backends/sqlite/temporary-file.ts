import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let file: string | undefined

/** The path of a database of this process’s own, which is removed when the process ends. */
export function temporaryFile(): string {
  if (file !== undefined) return file
  const folder = mkdtempSync(join(tmpdir(), 'http-sessions-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  file = join(folder, 'sessions.db')
  return file
}
