import { createClient } from '@redis/client'
import type { RedisCommands, RedisReply, Script } from '../../../src/backends/redis/commands.ts'
import { startTemporaryServer } from '../../../src/backends/redis/temporary-server.ts'

/** A connection for tests of limit stores: commands as they need them, and what tests want to see. */
export class TestConnection implements RedisCommands {
  readonly #client: ReturnType<typeof createClient>
  /** Scripts sent so far. */
  scripts = 0

  constructor(socketPath: string) {
    this.#client = createClient({ socket: { path: socketPath, tls: false } })
  }

  async open(): Promise<this> {
    await this.#client.connect()
    return this
  }

  async evaluate(
    { source, sha1 }: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<RedisReply> {
    this.scripts++
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await this.send('EVALSHA', sha1, ...rest)
    } catch (error) {
      if (!String(error).includes('NOSCRIPT')) throw error
      return this.send('EVAL', source, ...rest)
    }
  }

  async *scan(prefix: string): AsyncGenerator<readonly string[], void, undefined> {
    const pattern = `${prefix.replaceAll(/[\\*?[\]^]/g, String.raw`\$&`)}*`
    yield* this.#client.scanIterator({ MATCH: pattern })
  }

  unlink(keys: readonly string[]): Promise<number> {
    return this.#client.unlink([...keys])
  }

  /** The reply to any command. */
  send<T = RedisReply>(...words: string[]): Promise<T> {
    return this.#client.sendCommand(words)
  }

  /** Every key there is. */
  async keys(): Promise<string[]> {
    const keys: string[] = []
    for await (const page of this.scan('')) keys.push(...page)
    return keys.sort()
  }

  close(): void {
    this.#client.destroy()
  }
}

const server = await startTemporaryServer()

/** A connection to the temporary server of this test file. */
export function connect(): Promise<TestConnection> {
  return new TestConnection(server.socketPath).open()
}

/** A connection of its own, to an empty server. */
export async function connectAfresh(): Promise<TestConnection> {
  const connection = await connect()
  await connection.send('FLUSHDB')
  return connection
}

/** Ends the server: the last thing that a test file does. */
export function closeServer(): Promise<void> {
  return server.close()
}
