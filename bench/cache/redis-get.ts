import { createClient, RESP_TYPES } from '@redis/client'
import { startTemporaryServer } from '../../dist/backends/redis/temporary-server.js'
import { severalAtATime, type Subject } from '../subject.ts'
import { checkLength } from './caching-client.ts'

/** No cache: the bytes of an answer, asked for by one command. */
export const subject: Subject = async ({ url, atATime }) => {
  const server = await startTemporaryServer()
  const client = createClient({ socket: { path: server.socketPath, tls: false } }).withTypeMapping({
    [RESP_TYPES.BLOB_STRING]: Buffer,
  })
  await client.connect()
  await client.set(url, Buffer.from(await (await fetch(url)).arrayBuffer()))
  return severalAtATime(atATime, async () => checkLength(url, (await client.get(url)) ?? Buffer.alloc(0)))
}
