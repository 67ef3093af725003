import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { startTemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import { newFile } from '../backends/sqlite-support.ts'
import { heldOrigin, type Member, members, type Place } from '../support/cache-processes.ts'

const redis = await startTemporaryServer()
test.after(() => redis.close())

const places: Readonly<Record<string, Place>> = {
  sqlite: { db: newFile() },
  redis: { url: `unix://${redis.socketPath}` },
}

const fresh = { 'Cache-Control': 'max-age=600' }
let keys = 0
const newKey = (): string => `Test${++keys}`

const askAll = (all: readonly Member[], url: string, count: number, way: 'get' | 'fetch' = 'get') =>
  Promise.all(all.map(({ ask }) => ask({ url, count, way })))

for (const [name, place] of Object.entries(places)) {
  test(`8 processes with 50 concurrent misses each on one ${name}: at most 2 origin requests`, async (t) => {
    const all = await members(t, place, newKey(), 8)
    for (const way of ['get', 'fetch'] as const) {
      const origin = await heldOrigin(t, (response, n) => {
        response.writeHead(200, fresh).write('content ')
        // long enough for all to have asked
        setTimeout(() => response.end(String(n)), 200)
      })
      const contents = new Set((await askAll(all, origin.url, 50, way)).flat())
      assert.ok(origin.arrivals.length <= 2, `${way}: ${origin.arrivals.length} origin requests`)
      assert.ok(contents.size <= 2 && contents.has('content 1'), [...contents].join())
    }
  })

  test(`hits on a stale response in several processes on one ${name} are one revalidation`, async (t) => {
    const all = await members(t, place, newKey(), 4)
    const swr = { 'Cache-Control': 'max-age=0, stale-while-revalidate=600', ETag: '"1"' }
    const origin = await heldOrigin(t, (response, n) => {
      if (n === 1) response.writeHead(200, swr).end('old')
    })
    await (all[0] as Member).ask({ url: origin.url, count: 1, way: 'get' })
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(new Set((await askAll(all, origin.url, 20)).flat()), new Set(['old']))
    }
    await origin.until(2)
    assert.equal(origin.arrivals.length, 2)
    origin.held[1]?.writeHead(200, fresh).end('new')
    const untilNew = async ({ ask }: Member): Promise<void> => {
      while (!(await ask({ url: origin.url, count: 1, way: 'get' })).includes('new'));
    }
    await untilNew(all[0] as Member)
    assert.deepEqual(new Set((await askAll(all, origin.url, 20)).flat()), new Set(['new']))
    assert.equal(origin.arrivals.length, 2)
  })

  test(`others on one ${name} get their answer although the process that asks is killed`, async (t) => {
    const [victim, ...others] = (await members(t, place, newKey(), 3)) as [Member, ...Member[]]
    const origin = await heldOrigin(t, (response, n) => {
      if (n > 1) response.writeHead(200, fresh).end('content')
    })
    void victim.ask({ url: origin.url, count: 1, way: 'get' }).catch(() => undefined)
    await origin.until(1)
    const answers = askAll(others, origin.url, 10)
    victim.child.kill('SIGKILL')
    await once(victim.child, 'exit')
    assert.deepEqual((await answers).flat(), ['content', 'content'])
    assert.ok(origin.arrivals.length <= 3)
  })
}
