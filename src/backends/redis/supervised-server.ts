import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SessionError } from '../../core/errors.ts'
import { findServer } from './find-server.ts'
import { saveAndEnd } from './server-commands.ts'
import type { ServerSettings } from './server-options.ts'
import type { Order, Report } from './supervisor.ts'

/** Beside this file, as TypeScript or as JavaScript. */
const program = fileURLToPath(new URL(`supervisor${extname(import.meta.url)}`, import.meta.url))

type Ready = Report & { readonly kind: 'ready' }

/** A running server and the supervisor that ends it when this process ends. Neither keeps this process alive. */
export class SupervisedServer {
  readonly #supervisor: ChildProcess
  readonly #settings: ServerSettings
  readonly #ready: Ready
  /** Resolves when all is gone: with why, when nobody asked for it. */
  readonly ended: Promise<SessionError | undefined>
  /** The supervisor’s last word, if it had one. */
  #last: Report | undefined
  #closing = false

  /** @throws SessionError ERR_BACKEND when there is no server, or it does not start */
  static async start(settings: ServerSettings): Promise<SupervisedServer> {
    const order: Order = { kind: 'start', program: findServer(), settings }
    const supervisor = fork(program, [], {
      cwd: '/',
      detached: true, // a group of its own: Ctrl-C and a SIGKILL to our group are not for it
      env: { ...process.env, NODE_OPTIONS: undefined }, // those are for us: --inspect, --import
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const gone = endOf(supervisor)
    const first = await firstReport(supervisor, order, gone)
    if (first.kind === 'ready') return new SupervisedServer(supervisor, settings, first, gone)
    throw failure('message' in first ? first.message : 'its supervisor closed it')
  }

  private constructor(
    supervisor: ChildProcess,
    settings: ServerSettings,
    ready: Ready,
    gone: Promise<string>,
  ) {
    this.#supervisor = supervisor
    this.#settings = settings
    this.#ready = ready
    supervisor.on('message', (message: Report) => (this.#last = message))
    this.ended = gone.then((how) => this.#afterEnd(how))
    supervisor.unref()
    supervisor.channel?.unref()
  }

  get socketPath(): string {
    return this.#ready.socketPath
  }

  /** The server’s process id. */
  get pid(): number {
    return this.#ready.pid
  }

  /**
   * Ends the server, and saves its data before if it is to be kept.
   * @throws SessionError ERR_BACKEND when the data cannot be saved; the server has ended all the same
   */
  async close(): Promise<void> {
    this.#closing = true
    this.#supervisor.ref()
    this.#supervisor.channel?.ref()
    // An error means that it has ended: `ended` tells
    if (this.#supervisor.connected) this.#supervisor.send({ kind: 'close' } satisfies Order, () => undefined)
    await this.ended
    if (this.#last?.kind === 'closed' && this.#last.unsaved !== undefined) throw failure(this.#last.unsaved)
  }

  async #afterEnd(how: string): Promise<SessionError | undefined> {
    if (this.#last?.kind === 'lost') return failure(this.#last.message)
    if (this.#last?.kind === 'closed') return undefined
    const saved = await this.#cleanUp()
    return this.#closing && saved
      ? undefined
      : failure(
          `its supervisor ended (${how}); the server has been ended${saved ? '' : ', its data not saved'}`,
        )
  }

  /** What the supervisor would have done, had it not been killed. @returns whether nothing was lost */
  async #cleanUp(): Promise<boolean> {
    const { pid, socketPath, folder } = this.#ready
    const keeps = this.#settings.db !== undefined
    if (keeps) kill(pid, 'SIGCONT') // a stopped server cannot save
    const saved = keeps && (await succeeds(saveAndEnd({ ...this.#settings, socketPath })))
    if (!saved) kill(pid, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
    return saved || !keeps
  }
}

/** How it ended, once all it said has been read: 'exit' may come before its last message. */
async function endOf(supervisor: ChildProcess): Promise<string> {
  const [[status, signal]] = await Promise.all([
    once(supervisor, 'exit') as Promise<[status: number | null, signal: string | null]>,
    once(supervisor, 'disconnect'),
  ])
  return signal ?? `status ${status}`
}

/** Sends the order and waits for the answer, or for the supervisor’s end. */
function firstReport(supervisor: ChildProcess, order: Order, gone: Promise<string>): Promise<Report> {
  const { promise, resolve, reject } = Promise.withResolvers<Report>()
  const fail = (cause: Error): void => reject(failure(`its supervisor failed: ${cause.message}`, cause))
  supervisor.once('message', resolve)
  supervisor.on('error', fail)
  gone.then((how) => reject(failure(`its supervisor (${program}) ended (${how})`)), fail)
  supervisor.send(order, (error) => {
    // When it has ended already, how it did tells more
    if (error !== null && supervisor.connected) fail(error)
  })
  return promise
}

function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  )
}

/** Nothing when it has ended. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function failure(message: string, cause?: unknown): SessionError {
  return new SessionError('ERR_BACKEND', `temporary Redis server: ${message}`, { cause })
}
