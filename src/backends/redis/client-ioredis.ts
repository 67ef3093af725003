import type { GivenClient } from './client-given.ts'
import { toWords } from './client-link.ts'

/** A `Redis` or `Cluster` of ioredis, as far as it can be told from others. */
export interface IoredisConn {
  readonly status: string
  readonly isCluster: boolean
  callBuffer(...args: never[]): Promise<unknown>
}

/** What it has beside that. */
interface Details extends IoredisConn {
  readonly options: { readonly keyPrefix?: string | Buffer }
  callBuffer(name: string, ...words: (string | Buffer)[]): Promise<unknown>
  /** Of a cluster. */
  nodes(role: 'master'): readonly Details[]
}

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
      const [name, ...words] = toWords(command)
      // ioredis 5 finds keys by names in lower case. Text arrives as bytes, so what is text is a number: `stringNumbers`
      return toNumbers(await client.callBuffer(String(name).toLowerCase(), ...words))
    },
    masters: () => Promise.resolve(client.isCluster ? client.nodes('master').map(fromIoredis) : [given]),
  }
  return given
}

function toNumbers(reply: unknown): unknown {
  if (typeof reply === 'string') return Number(reply)
  return Array.isArray(reply) ? reply.map(toNumbers) : reply
}
