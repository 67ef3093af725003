import { createServer, type Socket } from 'node:net'
import { checkChoice, checkInteger, checkOptions } from '../core/check-options.ts'
import { goodAnswer, type Misbehaviour, misbehaviours } from './broken-server/misbehaviours.ts'
import { RequestCounter } from './broken-server/request-counter.ts'
import { listen } from './httpbin/listen.ts'

export { type Misbehaviour, misbehaviours }

/** Options of {@link brokenServer}. */
export interface BrokenServerOptions {
  /** Good answers on each connection before it misbehaves; default 0. */
  readonly after?: number
  /** Milliseconds between two pieces of what comes slowly; default 20. */
  readonly pause?: number
  /** How much a gzip bomb holds; default 64. */
  readonly megabytes?: number
}

/** A running broken server. */
export interface BrokenServer extends AsyncDisposable {
  /** `http://127.0.0.1:49152`, without a slash at the end. Any path will do. */
  readonly url: string
  readonly port: number
  /** Connections so far. */
  readonly connections: number
  /** Complete requests so far. */
  readonly requests: number
  /** Ends the server and all its connections. */
  close(): Promise<void>
}

/**
 * Starts a TCP server that misbehaves in one way, on any free port of 127.0.0.1.
 * @throws OptionError
 * @example
 * await using server = await brokenServer('reset', { after: 1 })
 */
export async function brokenServer(
  misbehaviour: Misbehaviour,
  options: BrokenServerOptions = {},
): Promise<BrokenServer> {
  checkChoice(misbehaviour, Object.keys(misbehaviours), 'misbehaviour')
  checkOptions(options, ['after', 'pause', 'megabytes'], 'brokenServer')
  const after = checkInteger(options.after ?? 0, 0, 'after')
  const pause = checkInteger(options.pause ?? 20, 0, 'pause')
  const megabytes = checkInteger(options.megabytes ?? 64, 1, 'megabytes')
  const misbehave = misbehaviours[misbehaviour]
  const sockets = new Set<Socket>()
  const counts = { connections: 0, requests: 0 }

  const server = createServer((socket) => {
    counts.connections++
    sockets.add(socket)
    const counter = new RequestCounter()
    let requests = 0
    socket.on('error', () => undefined) // the client's end of a broken connection
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      for (let complete = counter.push(chunk); complete > 0; complete--) {
        counts.requests++
        if (++requests <= after) socket.write(goodAnswer)
        else void misbehave(socket, { pause, megabytes, requests })
      }
    })
  })
  const address = await listen(server, 0, '127.0.0.1')
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return {
    ...address,
    get connections() {
      return counts.connections
    },
    get requests() {
      return counts.requests
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
