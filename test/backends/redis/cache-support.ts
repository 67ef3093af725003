import { RedisBackend } from '../../../src/backends/redis/redis-backend.ts'
import type { RedisBackendOptions } from '../../../src/backends/redis/redis-options.ts'
import { startTemporaryServer } from '../../../src/backends/redis/temporary-server.ts'
import { createClient } from '@redis/client'

const server = await startTemporaryServer()

/** A backend on the temporary server of this test file. */
export function openBackend(options: RedisBackendOptions = {}): RedisBackend {
  return new RedisBackend({ url: `unix://${server.socketPath}`, ...options })
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
