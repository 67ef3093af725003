import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/*
 * Runs the Redis servers of one test process, as their parent. The channel to it closes however that process ends;
 * then the servers are killed and their folder is removed.
 */

/** What the test says: start a server with these words behind its name. */
export interface Order {
  readonly id: number
  readonly program: string
  readonly args: readonly string[]
}

/** What becomes of a server: it is ready, and later it ends. */
export type Report =
  | { readonly id: number; readonly kind: 'ready'; readonly pid: number }
  | { readonly id: number; readonly kind: 'ended'; readonly log: string }

const folder = mkdtempSync(join(tmpdir(), 'http-sessions-servers-'))
const servers = new Set<ChildProcess>()

function start({ id, program, args }: Order): void {
  const server = spawn(program, ['-', ...args], { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] })
  servers.add(server)
  server.stdin.end()
  let log = ''
  server.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const isReady = log.includes('Ready to accept connections')
    log = (log + chunk).slice(-4_096)
    if (!isReady && log.includes('Ready to accept connections'))
      report({ id, kind: 'ready', pid: server.pid as number })
  })
  server.on('close', () => {
    servers.delete(server)
    report({ id, kind: 'ended', log })
  })
}

function report(message: Report): void {
  if (process.connected) process.send?.(message, () => undefined)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.on('message', start)
process.on('disconnect', () => {
  for (const server of servers) server.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
  process.exit()
})
