import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fetch from 'make-fetch-happen'
import { headers, type Subject } from '../subject.ts'
import { roundsOf } from './caching-client.ts'

export const subject: Subject = (setup) => {
  const cachePath = mkdtempSync(join(tmpdir(), 'http-sessions-bench-'))
  process.once('exit', () => rmSync(cachePath, { recursive: true }))
  return roundsOf(
    {
      text: async (url) => (await fetch(url, { headers, cachePath })).text(),
      bytes: async (url) => (await fetch(url, { headers, cachePath })).buffer(),
    },
    setup,
  )
}
