import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type FileLock, lockFile } from './file-lock.ts'
import { LogTail } from './log-tail.ts'
import { ping, saveAndEnd, type ServerAddress } from './server-commands.ts'
import { toConfig } from './server-config.ts'
import type { ServerSettings } from './server-options.ts'
import { makeSocketFolder, removeAbandoned, type SocketFolder } from './socket-folder.ts'

/*
 * The program that watches over one temporary server, in a process of its own. It lives as long as the channel
 * to its owner, which closes however the owner ends, SIGKILL included; then it ends the server and removes the
 * folder of its socket.
 */

/** What the owner says: first what to start, at last that it is not needed any more. */
export type Order =
  | { readonly kind: 'start'; readonly program: string; readonly settings: ServerSettings }
  | { readonly kind: 'close' }

/** What the supervisor says. After `failed`, `lost` and `closed` nothing is left. */
export type Report =
  | { readonly kind: 'ready'; readonly pid: number; readonly folder: string; readonly socketPath: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'closed'; readonly unsaved: string | undefined }

/** How long a server may be silent while it starts. */
const startPatience = 10_000 // ms
const pause = 3 // ms, between two looks at whether it answers

class Supervisor {
  readonly #log = new LogTail()
  #lock: FileLock | undefined
  #place: SocketFolder | undefined
  #server: ChildProcess | undefined
  /** How the server ended, when it has. */
  #exited: Promise<string> | undefined
  /** Set when its data is to be kept: how to ask for that. */
  #saving: { readonly db: string; readonly address: ServerAddress } | undefined
  /** Whatever happens to the server from here on is no news. */
  #ending = false

  async start(program: string, settings: ServerSettings): Promise<void> {
    try {
      if (settings.db !== undefined) await this.#reserve(settings.db)
      if (this.#ending) return
      const { folder, socketPath } = (this.#place = makeSocketFolder())
      const address = { ...settings, socketPath }
      const pid = await this.#launch(program, toConfig(settings, folder, socketPath))
      if (settings.db !== undefined) this.#saving = { db: settings.db, address }
      await this.#answers(address)
      if (!this.#ending) report({ kind: 'ready', pid, folder, socketPath })
    } catch (error) {
      if (!this.#ending) this.#finish({ kind: 'failed', message: (error as Error).message })
      return
    }
    // Housekeeping for others; what cannot be removed now is for the next one to try
    await removeAbandoned().catch(() => undefined)
  }

  /** Ends the server, and saves its data before if it is to be kept. */
  async end(): Promise<void> {
    if (this.#ending) return
    this.#ending = true
    const unsaved = this.#saving === undefined ? undefined : await this.#save(this.#saving)
    this.#server?.kill('SIGKILL')
    await this.#exited
    this.#finish({ kind: 'closed', unsaved })
  }

  async #reserve(db: string): Promise<void> {
    this.#lock = await lockFile(db)
    if (this.#lock === undefined) throw new Error(`'${db}' is in use by another temporary server`)
  }

  async #launch(program: string, config: string): Promise<number> {
    const server = spawn(program, ['-'], { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' })
    this.#server = server
    this.#log.read(server.stdout)
    server.stdin.on('error', () => undefined) // it ended before it read its configuration: 'exit' tells
    server.stdin.end(config)
    this.#exited = new Promise((resolve) => {
      server.once('exit', (status, signal) => resolve(signal ?? `status ${status}`))
      server.once('error', (error) => resolve(error.message))
    })
    void this.#reportLoss(this.#exited)
    // Without a process id there is no process, and the loss is being reported
    return server.pid ?? (await new Promise<never>(() => undefined))
  }

  async #reportLoss(exited: Promise<string>): Promise<void> {
    const how = await exited
    await this.#log.ended
    if (this.#ending) return
    const said = this.#log.text === '' ? '' : `: ${this.#log.text}`
    this.#finish({ kind: 'lost', message: `it ended (${how})${said}` })
  }

  /** Waits until the server answers PING; loading its data may take long, being silent may not. */
  async #answers(address: ServerAddress): Promise<void> {
    let deadline = performance.now() + startPatience
    while (!this.#ending) {
      const reply = await ping(address).catch(() => 'silence') // not listening yet
      if (reply === '+PONG') return
      if (reply.startsWith('-LOADING')) deadline = performance.now() + startPatience
      else if (reply.startsWith('-')) throw new Error(`it refuses to answer: ${reply.slice(1)}`)
      if (performance.now() > deadline) throw new Error(`no answer within ${startPatience} ms`)
      await delay(pause)
    }
  }

  /** @returns why it could not be saved, if so */
  async #save({
    db,
    address,
  }: {
    readonly db: string
    readonly address: ServerAddress
  }): Promise<string | undefined> {
    this.#server?.kill('SIGCONT') // a stopped server cannot save
    try {
      await saveAndEnd(address)
    } catch (error) {
      return `the data could not be saved to '${db}': ${(error as Error).message}`
    }
  }

  /** Removes what is left, says so, and ends this process. */
  #finish(last: Report): void {
    this.#ending = true
    this.leaveNothing()
    report(last, () => process.exit())
  }

  leaveNothing(): void {
    this.#server?.kill('SIGKILL')
    if (this.#place !== undefined) rmSync(this.#place.folder, { recursive: true, force: true })
    this.#lock?.release()
    this.#lock = undefined
  }
}

/** Tells the owner. That it cannot be told is no failure: it has just ended, and 'disconnect' follows. */
function report(message: Report, then: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, then)
  else then()
}

const supervisor = new Supervisor()
// Ctrl-C and service managers mean the owner, who may still need its server: its end will tell.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.on('disconnect', () => void supervisor.end())
process.on('exit', () => supervisor.leaveNothing()) // after an error of our own, too
process.on('message', (order: Order) => {
  if (order.kind === 'start') void supervisor.start(order.program, order.settings)
  else void supervisor.end()
})
