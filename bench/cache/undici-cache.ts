import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, cacheStores, interceptors, request } from 'undici'
import { headers, type Subject } from '../subject.ts'
import { roundsOf } from './caching-client.ts'

type Store = NonNullable<interceptors.CacheInterceptorOpts['store']>

export const subject: Subject = (setup) => {
  const dispatcher = new Agent().compose(interceptors.cache({ store: openStore(setup.options['store']) }))
  return roundsOf(
    {
      text: async (url) => (await request(url, { dispatcher, headers })).body.text(),
      bytes: async (url) => (await request(url, { dispatcher, headers })).body.bytes(),
    },
    setup,
  )
}

function openStore(kind: unknown): Store {
  if (kind === 'memory') return new cacheStores.MemoryCacheStore()
  const folder = mkdtempSync(join(tmpdir(), 'http-sessions-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  return new cacheStores.SqliteCacheStore({ location: join(folder, 'undici.db') })
}
