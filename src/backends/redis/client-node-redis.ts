import type { GivenClient } from './client-given.ts'
import { inBytes, inText, type ReplyOptions } from './client-library.ts'
import { toWords } from './client-link.ts'

/** A client, pool or cluster of `@redis/client` (`redis`), as far as it can be told from others. */
export interface NodeRedisConn {
  readonly isOpen: boolean
  sendCommand(...args: never[]): Promise<unknown>
  withTypeMapping(mapping: never): unknown
}

type Words = readonly (string | Buffer)[]

interface SendOptions extends ReplyOptions {
  /** Milliseconds after which a command that has not been sent is taken back; 0 for never. */
  readonly timeout: number
}

/** What a client or pool has beside that. */
interface Client {
  readonly _keyPrefix?: string
  readonly isReady?: boolean
  sendCommand(words: Words, options: SendOptions): Promise<unknown>
}

/** What a cluster has beside that. */
interface Cluster {
  readonly _keyPrefix?: string
  readonly masters: readonly unknown[]
  nodeClient(node: unknown): Promise<NodeRedisConn>
  sendCommand(
    key: string | undefined,
    isReadonly: boolean,
    words: Words,
    options: SendOptions,
  ): Promise<unknown>
}

/** A client of `@redis/client` 5 or 6, with its own settings but for how replies are decoded. */
export function fromNodeRedis(conn: NodeRedisConn): GivenClient {
  return 'nodeClient' in conn ? fromCluster(conn, conn as unknown as Cluster) : fromClient(conn, conn)
}

function fromClient(conn: NodeRedisConn, client: Client): GivenClient {
  const keyPrefix = client._keyPrefix ?? ''
  const given: GivenClient = {
    keyPrefix,
    clustered: false,
    async dispatch(command, bytes, timeout) {
      checkOpen(conn)
      // A client that is ready sends at once; watching over that would cost more than all the rest
      const unsent = client.isReady === true ? 0 : timeout
      return client.sendCommand(toWords(command, keyPrefix), {
        ...(bytes ? inBytes : inText),
        timeout: unsent,
      })
    },
    masters: () => Promise.resolve([given]),
  }
  return given
}

function fromCluster(conn: NodeRedisConn, cluster: Cluster): GivenClient {
  const keyPrefix = cluster._keyPrefix ?? ''
  return {
    keyPrefix,
    clustered: true,
    async dispatch(command, bytes, timeout) {
      checkOpen(conn)
      const key = command.keys[0] === undefined ? undefined : keyPrefix + command.keys[0]
      const options = { ...(bytes ? inBytes : inText), timeout }
      return cluster.sendCommand(key, false, toWords(command, keyPrefix), options)
    },
    async masters() {
      const nodes = await Promise.all(cluster.masters.map((node) => cluster.nodeClient(node)))
      return nodes.map(fromNodeRedis)
    },
  }
}

function checkOpen({ isOpen }: NodeRedisConn): void {
  if (!isOpen) throw new Error('it is not connected: call its connect() before, and close it last')
}
