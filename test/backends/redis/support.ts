import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { findServer } from '../../../src/backends/redis/find-server.ts'
import type { TemporaryServerOptions } from '../../../src/backends/redis/server-options.ts'
import type { TemporaryServer } from '../../../src/backends/redis/temporary-server.ts'

findServer() // without one every test fails, with the line that says how to get it

/** A temporary folder for this test file alone; its servers make theirs in it. */
export const temporary = mkdtempSync(join(tmpdir(), 'test-'))
process.env['TMPDIR'] = temporary
after(() => {
  const left = serverFolders()
  rmSync(temporary, { recursive: true })
  assert.deepEqual(left, [])
})

/** What a test needs to know of a server to see that it is gone. */
export type Traces = Pick<TemporaryServer, 'pid' | 'socketPath'>

/** Whether a process runs; one that has ended and waits for its parent to notice does not. */
export function runs(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.startsWith('Z')
}

export function parentOf(pid: number): number {
  return Number(spawnSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }).stdout)
}

/** Waits until neither the server, nor its supervisor, nor the folder of its socket is left: two seconds at most. */
export async function gone({ pid, socketPath }: Traces, supervisor?: number): Promise<void> {
  const deadline = performance.now() + 2_000
  const processes = supervisor === undefined ? [pid] : [pid, supervisor]
  while (processes.some(runs) || existsSync(dirname(socketPath))) {
    assert.ok(performance.now() < deadline, `server ${pid} or ${dirname(socketPath)} is still there`)
    await delay(10)
  }
}

/** The folders that servers have in this test file’s temporary folder. */
export function serverFolders(): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith('http-sessions-redis-'))
}

/** The raw replies to some commands. */
export async function ask(socketPath: string, ...commands: string[]): Promise<string> {
  const socket = connect(socketPath).setEncoding('utf8')
  let text = ''
  socket.on('data', (chunk: string) => (text += chunk))
  socket.write([...commands, 'QUIT', ''].join('\r\n')) // the inline form, as one would type it
  await once(socket, 'close')
  return text.slice(0, -'+OK\r\n'.length)
}

/** A program that owns a temporary server. */
export interface Owner {
  readonly process: ChildProcess
  /** What it has said of its server. */
  readonly server: Traces
  /** How it ended. */
  readonly ended: Promise<[status: number | null, signal: string | null]>
}

const program = join(import.meta.dirname, 'programs/owner.ts')

/** Starts the program; see there for its `endings`. It leads a process group, as a shell’s job does. */
export function spawnOwner(
  ending: string,
  options: TemporaryServerOptions = {},
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  return spawn(process.execPath, [program, ending, JSON.stringify(options)], {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export async function startOwner(ending: string, options: TemporaryServerOptions = {}): Promise<Owner> {
  const owner = spawnOwner(ending, options)
  const ended = once(owner, 'exit') as Owner['ended']
  let text = ''
  owner.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const [line] = (await Promise.race([
    once(owner.stdout as NodeJS.EventEmitter, 'data'),
    ended.then(() => assert.fail(text)),
  ])) as [Buffer]
  return { process: owner, server: JSON.parse(String(line)) as Traces, ended }
}
