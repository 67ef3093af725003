import { hash } from 'node:crypto'
import type { Script } from './commands.ts'

/** A script of this source. */
export function script(source: string): Script {
  return { source, sha1: hash('sha1', source) }
}
