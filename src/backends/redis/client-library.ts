import type { ConnectionOptions } from 'node:tls'
import { SessionError } from '../../core/errors.ts'

/** Where a client’s server listens: a name or an IP address and a port, or else the path of a Unix socket. */
export type ClientSocket =
  | { readonly host: string; readonly port: number; readonly tls: false | ConnectionOptions }
  | { readonly path: string; readonly tls: false }

/** Whom a client logs in as, and how it speaks. */
export interface ClientLogin {
  readonly username: string | undefined
  readonly password: string | undefined
  /** The number of the database; undefined for the first. */
  readonly database: number | undefined
  readonly protocol: 2 | 3
}

/** How a client of ours gets to its server. */
export interface ClientAddress extends ClientLogin {
  readonly socket: ClientSocket
}

/** The part that we use of a client of `@redis/client`. */
export interface LibraryClient {
  readonly isReady: boolean
  connect(): Promise<unknown>
  close(): Promise<void>
  destroy(): void
  unref(): void
  on(event: 'error', listener: (error: Error) => void): unknown
  sendCommand(words: readonly (string | Buffer)[], options?: ReplyOptions): Promise<unknown>
}

/** How replies are to be decoded, in the terms of `@redis/client`. */
export interface ReplyOptions {
  readonly typeMapping?: Readonly<Record<number, unknown>>
}

/** The byte `$`: the type of a bulk string. */
const bulkString = 36

/** Bulk strings as bytes, all else as usual. */
export const inBytes: ReplyOptions = { typeMapping: { [bulkString]: Buffer } }

/** All as usual: bulk strings as text. */
export const inText: ReplyOptions = { typeMapping: {} }

/**
 * Makes a client that is not connected yet, and that never reconnects by itself.
 * @param signal ends the attempt to connect
 */
export type CreateClient = (address: ClientAddress, signal: AbortSignal) => LibraryClient

/**
 * Loads `@redis/client`, which is an optional peer dependency.
 * @throws SessionError ERR_BACKEND that says how to install it
 */
export async function loadLibrary(): Promise<CreateClient> {
  const { createClient } = await load()
  return ({ socket, protocol, ...login }, signal) => {
    const { tls, ...place } = socket
    // Its own timeout for connecting stays on the socket as a timer, which is then set anew with whatever comes and goes.
    const common = { connectTimeout: 0, signal, reconnectStrategy: false } as const
    return createClient({
      ...(login as { username: string }), // its types know no undefined
      socket: tls === false ? { ...place, ...common } : { ...tls, ...place, ...common, tls: true },
      RESP: protocol,
      disableOfflineQueue: true,
      maintNotifications: 'disabled', // a lost connection is made anew, whatever the reason
      commandOptions: { timeout: 0 }, // we have our own, which covers the answer, too
    })
  }
}

async function load(): Promise<typeof import('@redis/client')> {
  try {
    return await import('@redis/client')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new SessionError(
      'ERR_BACKEND',
      "backend 'redis' needs the package @redis/client: npm install @redis/client",
      { cause },
    )
  }
}
