import { ClientCommands } from '../../../src/backends/redis/client-commands.ts'
import { openLink } from '../../../src/backends/redis/client-open.ts'
import { RedisBackend } from '../../../src/backends/redis/redis-backend.ts'
import { parseRedisOptions, type RedisBackendOptions } from '../../../src/backends/redis/redis-options.ts'
import { startTemporaryServer } from '../../../src/backends/redis/temporary-server.ts'
import { createClient } from '@redis/client'

const server = await startTemporaryServer()

const url = `unix://${server.socketPath}`

/** Commands for that server; `onPage` is called behind each page of a walk through its keys. */
export class WatchedCommands extends ClientCommands {
  readonly #onPage: () => Promise<void>

  constructor(onPage: () => Promise<void>) {
    const settings = parseRedisOptions({ url })
    super((lost) => openLink(settings, lost), settings.callTimeout)
    this.#onPage = onPage
  }

  override async *scan(prefix: string): AsyncGenerator<readonly string[], void, undefined> {
    for await (const page of super.scan(prefix)) {
      yield page
      await this.#onPage()
    }
  }
}

/** A backend on the temporary server of this test file. */
export function openBackend(options: RedisBackendOptions = {}): RedisBackend {
  return new RedisBackend({ url, ...options })
}

/** A connection of the test’s own to that server. */
export async function connectClient() {
  const client = createClient({ socket: { path: server.socketPath, tls: false } })
  await client.connect()
  return client
}

/** Ends the server: the last thing that a test file does. */
export function closeServer(): Promise<void> {
  return server.close()
}
