import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** Installs the peers, unless they are there, and builds the package as users get it. */
export function prepare(): void {
  if (!existsSync(join(import.meta.dirname, 'node_modules'))) {
    run('installing the clients and limiters to compare with', 'ci', import.meta.dirname)
  }
  run('building http-sessions', 'run build', root)
}

function run(what: string, command: string, folder: string): void {
  process.stderr.write(`bench: ${what} (npm ${command})\n`)
  // What npm prints is no part of the tables.
  const { status } = spawnSync(`npm ${command} --silent`, {
    cwd: folder,
    shell: true,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new Error(`npm ${command} in ${folder} failed`)
}
