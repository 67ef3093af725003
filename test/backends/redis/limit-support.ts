import { createConnection } from 'node:net'
import { after, afterEach, beforeEach } from 'node:test'
import { createClient } from '@redis/client'
import type { RedisCommands, RedisReply, Script } from '../../../src/backends/redis/commands.ts'
import { RedisLimitStore } from '../../../src/backends/redis/redis-limit-store.ts'
import { startTemporaryServer } from '../../../src/backends/redis/temporary-server.ts'
import { SteppedClock } from '../../../src/testing/stepped-clock.ts'

/** A connection for tests of limit stores: commands as they need them, and what tests want to see. */
export class TestConnection implements RedisCommands {
  readonly #client: ReturnType<typeof createClient>
  readonly #path: string
  /** Scripts sent so far. */
  scripts = 0

  constructor(socketPath: string) {
    this.#path = socketPath
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

  /** The commands that the server runs meanwhile, those of scripts too, as MONITOR shows them. */
  async watch(run: () => Promise<unknown>): Promise<string[]> {
    const socket = createConnection(this.#path).setEncoding('utf8')
    let text = ''
    const shown = (end: string): Promise<void> =>
      new Promise((resolve) => {
        socket.on('data', () => text.includes(end) && resolve())
      })
    socket.on('data', (chunk: string) => (text += chunk))
    const started = shown('+OK')
    socket.write('MONITOR\r\n')
    await started
    await run()
    const ended = shown('"the end"')
    await this.send('ECHO', 'the end')
    await ended
    socket.destroy()
    return text.split('\r\n')
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

/** What each test of a file has anew: an empty server, and a store on it with a clock of the test’s. */
export interface Fresh {
  connection: TestConnection
  clock: SteppedClock
  store: RedisLimitStore
}

/** To be called once by a test file: fills in what each of its tests has. */
export function freshStores(): Fresh {
  const fresh = {} as Fresh
  beforeEach(async () => {
    fresh.connection = await connectAfresh()
    fresh.clock = new SteppedClock(1_700_000_000_000_000)
    fresh.store = new RedisLimitStore({ commands: fresh.connection, clock: fresh.clock })
  })
  afterEach(() => fresh.connection.close())
  after(closeServer)
  return fresh
}
