import type { GivenClient } from './client-given.ts'
import { toWords } from './client-link.ts'

/** A `Redis` or `Cluster` of ioredis, as far as it can be told from others. */
export interface IoredisConn {
  readonly status: string
  readonly isCluster: boolean
  createBuiltinCommand(name: string): { readonly buffer: unknown }
}

/** What it has beside that. */
interface Details extends IoredisConn {
  readonly options: { readonly keyPrefix?: string | Buffer }
  /** Of a cluster. */
  nodes(role: 'master'): readonly Details[]
}

type Send = (...words: (string | Buffer)[]) => Promise<unknown>

/** Where a call would wait for a connection that may never be there again. */
const away = ['close', 'reconnecting', 'disconnecting', 'end']

/** A client of ioredis 5 or 6, with its own settings. It puts the prefix before keys by itself. */
export function fromIoredis(conn: IoredisConn): GivenClient {
  const client = conn as Details
  const given: GivenClient = {
    keyPrefix: String(client.options.keyPrefix ?? ''),
    clustered: client.isCluster,
    async dispatch(command) {
      if (away.includes(client.status)) throw new Error(`it is not connected (${client.status})`)
      // Unlike the methods of a client, those made so wait for no automatic pipeline
      const { buffer } = client.createBuiltinCommand(command.name.toLowerCase())
      // Text comes as bytes, so that what is text is a number: `stringNumbers`
      return toNumbers(await (buffer as Send).apply(client, toWords(command).slice(1)))
    },
    masters: () => Promise.resolve(client.isCluster ? client.nodes('master').map(fromIoredis) : [given]),
  }
  return given
}

function toNumbers(reply: unknown): unknown {
  if (typeof reply === 'string') return Number(reply)
  return Array.isArray(reply) ? reply.map(toNumbers) : reply
}
