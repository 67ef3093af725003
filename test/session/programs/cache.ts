// Shares a cache with other processes: makes as many requests at once as each line says, and says what came of them.
import { createInterface } from 'node:readline'
import { RedisBackend, Session, SqliteBackend } from '../../../src/index.ts'

/** What is asked for: a line of JSON. */
export interface Task {
  readonly url: string
  /** So many at once. */
  readonly count: number
  readonly way: 'get' | 'fetch'
}

const [place = '{}', key = 'Test'] = process.argv.slice(2)
const { db, url } = JSON.parse(place) as { readonly db?: string; readonly url?: string }
const backend = db === undefined ? new RedisBackend({ url: url as string }) : new SqliteBackend({ db })
const session = new Session({ cache: { backend, key, storeTimeout: '10s' } })
await session.cache.has('http://127.0.0.1/') // connected

async function textOf({ url: target, way }: Task): Promise<string> {
  if (way === 'get') return (await session.get(target)).text()
  return (await session.fetch(target)).text()
}

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line) as Task
  const texts = await Promise.all(Array.from({ length: task.count }, () => textOf(task)))
  console.log(JSON.stringify([...new Set(texts)]))
}
await session.close()
await backend.close()
