import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Subject } from '../subject.ts'

const program = join(import.meta.dirname, 'first-program.ts')

/** First requests, each in a process of its own, of the subject that the options name. */
export const subject: Subject = ({ url, options }) => {
  const first = (): number => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [program, `./${String(options['module'])}`, url],
      { encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(stderr)
    return Number(stdout)
  }
  return async (count) => {
    let seconds = 0
    for (let i = 0; i < count; i++) seconds += first()
    return seconds
  }
}
