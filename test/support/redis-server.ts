import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { findServer } from '../../src/backends/redis/find-server.ts'
import type { Order, Report } from './redis-supervisor.ts'

/** Ports that no outgoing connection gets, on the usual systems. */
const firstPort = 20_000
const ports = 10_000

let supervisor: ChildProcess | undefined
let orders = 0
const listeners = new Map<number, (report: Report) => void>()

/** A Redis server for tests, on a port of 127.0.0.1; gone when this process ends, however it ends. */
export class RedisServer {
  readonly port: number
  readonly #args: readonly string[]
  #pid = 0
  #ended: Promise<void> = Promise.resolve()

  /** @param args options of redis-server, such as `'--requirepass', 'secret'` */
  static async start(...args: string[]): Promise<RedisServer> {
    for (;;) {
      const server = new RedisServer(await freePort(), args)
      const log = await server.restart()
      if (log === undefined) return server
      assert.match(log, /Address already in use/) // somebody was faster
    }
  }

  private constructor(port: number, args: readonly string[]) {
    this.port = port
    this.#args = args
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#pid
  }

  /** Starts it (again) on its port. @returns the log, when it ends instead of getting ready */
  restart(): Promise<string | undefined> {
    const id = orders++
    const ready = Promise.withResolvers<string | undefined>()
    const ended = Promise.withResolvers<void>()
    this.#ended = ended.promise
    listeners.set(id, (report) => {
      if (report.kind === 'ready') this.#pid = report.pid
      else listeners.delete(id)
      ready.resolve(report.kind === 'ready' ? undefined : report.log)
      if (report.kind !== 'ended') return
      this.#pid = 0
      ended.resolve()
    })
    const words = ['--bind', '127.0.0.1', '--port', String(this.port), '--save', '']
    order({ id, program: findServer(), args: [...words, ...this.#args] })
    return awaited(ready.promise)
  }

  /** SIGSTOP: it keeps its connections, and answers nothing. */
  freeze(): void {
    process.kill(this.#pid, 'SIGSTOP')
  }

  resume(): void {
    process.kill(this.#pid, 'SIGCONT')
  }

  /** SIGKILL, if it runs. */
  async kill(): Promise<void> {
    if (this.#pid !== 0) process.kill(this.#pid, 'SIGKILL')
    await awaited(this.#ended)
  }

  /** The raw replies to some commands, on a connection of their own. */
  async ask(...commands: string[]): Promise<string> {
    const socket = connect(this.port, '127.0.0.1').setEncoding('utf8')
    let text = ''
    socket.on('data', (chunk: string) => (text += chunk))
    socket.write([...commands, 'QUIT', ''].join('\r\n')) // the inline form, as one would type it
    await once(socket, 'close')
    return text.slice(0, -'+OK\r\n'.length)
  }
}

/** A port that was free just now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + Math.floor(Math.random() * ports)
    const probe = createServer().listen(port, '127.0.0.1')
    const isFree = await Promise.race([
      once(probe, 'listening').then(() => true),
      new Promise<false>((resolve) => probe.once('error', () => resolve(false))),
    ])
    probe.close()
    if (isFree) return port
  }
}

let waiting = 0

/** Keeps this process alive until then, which the supervisor does not. */
async function awaited<T>(promise: Promise<T>): Promise<T> {
  if (waiting++ === 0) supervisor?.channel?.ref()
  try {
    return await promise
  } finally {
    if (--waiting === 0) supervisor?.channel?.unref()
  }
}

function order(message: Order): void {
  if (supervisor === undefined) {
    supervisor = fork(join(import.meta.dirname, 'redis-supervisor.ts'), [], {
      detached: true,
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: undefined, NODE_V8_COVERAGE: undefined },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    supervisor.on('message', (report: Report) => listeners.get(report.id)?.(report))
    supervisor.unref()
    supervisor.channel?.unref()
  }
  supervisor.send(message)
}
