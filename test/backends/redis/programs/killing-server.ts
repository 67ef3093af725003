import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

/*
 * Stands in for redis-server where the instant matters: asked by PING, it stops its supervisor, answers, kills
 * the supervisor’s owner and lets the supervisor go on. That finds the answer first, and then that nobody is
 * there to be told. Its argument is a file to write its process id and socket to.
 */

const supervisor = process.ppid
const owner = Number(spawnSync('ps', ['-o', 'ppid=', '-p', String(supervisor)], { encoding: 'utf8' }).stdout)
const [, socketPath] = /^unixsocket "(.*)"$/m.exec(await text(process.stdin)) as unknown as [string, string]

createServer((socket) => {
  socket.on('error', () => undefined)
  socket.once('data', () => void answer(() => socket.write('+PONG\r\n')))
}).listen(socketPath)
writeFileSync(process.argv[2] as string, JSON.stringify({ pid: process.pid, socketPath }))

async function answer(write: () => void): Promise<void> {
  process.kill(supervisor, 'SIGSTOP')
  write()
  process.kill(owner, 'SIGKILL')
  while (exists(owner)) await delay(5)
  process.kill(supervisor, 'SIGCONT')
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
