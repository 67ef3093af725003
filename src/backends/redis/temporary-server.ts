import type { SessionError } from '../../core/errors.ts'
import { checkServerOptions, type ServerSettings, type TemporaryServerOptions } from './server-options.ts'
import { SupervisedServer } from './supervised-server.ts'

/** A Redis server that ends with this program, as one of its users sees it. */
export interface TemporaryServer extends AsyncDisposable {
  /** The Unix socket it listens on; nobody but this user can reach it. */
  readonly socketPath: string
  /** The server’s process id. */
  readonly pid: number
  /** Whom to log in as, when `password` is set and it is not Redis’s default user. */
  readonly username: string | undefined
  readonly password: string | undefined
  /** The version of the RESP protocol to speak. */
  readonly protocol: 2 | 3
  /** Whether clients return text instead of bytes. */
  readonly decodeResponses: boolean
  /** Calls `listener`, once, when the server ends though this user has not closed it; at once if it has already. */
  onExit(listener: (error: SessionError) => void): void
  /**
   * Lets go of it. The server ends when its last user has let go; a second call does nothing more.
   * @throws SessionError ERR_BACKEND when the data cannot be saved; the server has ended all the same
   */
  close(): Promise<void>
}

/** One server of this process, and how many use it. */
interface Shared {
  users: number
  readonly server: Promise<SupervisedServer>
  /** Resolves when it has ended and is not shared any more: with why, when nobody closed it. */
  readonly ended: Promise<SessionError | undefined>
  /** Set when its last user lets go; resolves when it is gone. */
  closing?: Promise<void>
}

const servers = new Map<string, Shared>()

/**
 * Starts `redis-server` (or `valkey-server`) on a private Unix socket, or joins the one that this process
 * already runs with the same settings. However this process ends, SIGKILL included, the server ends, too.
 * @throws OptionError naming the wrong option
 * @throws SessionError ERR_BACKEND when there is no server, or it does not start
 * @example
 * await using server = await startTemporaryServer({ maxMemory: '100mb', maxMemoryPolicy: 'allkeys-lru' })
 */
export async function startTemporaryServer(options: TemporaryServerOptions = {}): Promise<TemporaryServer> {
  const { protocol, decodeResponses, ...settings } = checkServerOptions(options)
  const shared = await join(settings)
  const server = await shared.server
  const listeners: ((error: SessionError) => void)[] = []
  let lost: SessionError | undefined
  let closing: Promise<void> | undefined
  const watch = async (): Promise<void> => {
    const error = await shared.ended
    if (error === undefined || closing !== undefined) return
    lost = error
    for (const listener of listeners.splice(0)) listener(error)
  }
  void watch()
  const close = (): Promise<void> => (closing ??= leave(shared))
  return {
    socketPath: server.socketPath,
    pid: server.pid,
    username: settings.username,
    password: settings.password,
    protocol,
    decodeResponses,
    onExit: (listener) => {
      if (closing !== undefined) return
      if (lost === undefined) listeners.push(listener)
      else listener(lost)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The server with these settings, with one user more. */
async function join(settings: ServerSettings): Promise<Shared> {
  const name = JSON.stringify(Object.entries(settings))
  let shared = servers.get(name)
  while (shared?.closing !== undefined) {
    await shared.closing.catch(() => undefined) // whoever closed it hears of it
    shared = servers.get(name)
  }
  if (shared === undefined) {
    const server = SupervisedServer.start(settings)
    shared = { users: 0, server, ended: forgetAtEnd(name, server) }
    servers.set(name, shared)
  }
  shared.users++
  return shared
}

/** Before any of its users hears that it has ended or did not start: the next start must not join it. */
async function forgetAtEnd(
  name: string,
  server: Promise<SupervisedServer>,
): Promise<SessionError | undefined> {
  try {
    return await (
      await server
    ).ended
  } catch {
    return undefined // its users hear of a failed start
  } finally {
    servers.delete(name)
  }
}

async function leave(shared: Shared): Promise<void> {
  shared.users--
  if (shared.users > 0) return
  shared.closing = end(shared)
  await shared.closing
}

async function end({ server, ended }: Shared): Promise<void> {
  try {
    await (await server).close()
  } finally {
    await ended
  }
}
