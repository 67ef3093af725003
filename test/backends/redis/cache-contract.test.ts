import { after } from 'node:test'
import { keyOf } from '../../../src/backends/redis/cache-keys.ts'
import { testCacheStore } from '../../../src/testing/index.ts'
import { closeServer, connectClient, openBackend } from './cache-support.ts'

const client = await connectClient()

after(() => {
  client.destroy()
  return closeServer()
})

/** What stands in front of an entry’s first piece. */
const headLength = 16

testCacheStore('Redis', async (clock, sizes) => {
  await client.flushDb()
  const backend = openBackend({ clock, ...sizes })
  return {
    store: backend.cache,
    async spoil(key, change) {
      const entries = keyOf(key, 'entries')
      const bytes = client.withTypeMapping({ 36: Buffer })
      const value = (await bytes.hGet(entries, '')) as unknown as Buffer
      const spoilt = Buffer.concat([value.subarray(0, headLength), change(value.subarray(headLength))])
      await client.hSet(entries, '', spoilt)
    },
    close: () => backend.close(),
  }
})
