import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RedisBackend } from '../../src/backends/redis/redis-backend.ts'
import { type BackendErrorPolicy, Ratelimiter } from '../../src/ratelimit/index.ts'
import { RedisServer } from '../support/redis-server.ts'

const callTimeout = 200
/** For a busy machine. */
const leeway = 500

let server: RedisServer
const folder = mkdtempSync(join(tmpdir(), 'redis-chaos-'))
before(async () => {
  // It is killed, and must know afterwards what it has promised.
  server = await RedisServer.start('--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always')
})
after(async () => {
  await server.kill()
  rmSync(folder, { recursive: true })
})

/** How a server can be away, and be back. */
interface Outage {
  readonly name: string
  readonly begin: () => Promise<unknown> | void
  readonly end: () => Promise<unknown> | void
  /** A script that frees something first may write even then. */
  readonly isPartial?: boolean
}

const outages: readonly Outage[] = [
  { name: 'killed', begin: () => server.kill(), end: () => server.restart() },
  { name: 'frozen', begin: () => server.freeze(), end: () => server.resume() },
  {
    name: 'a read-only replica',
    begin: () => server.ask('REPLICAOF 127.0.0.1 1'),
    end: () => server.ask('REPLICAOF NO ONE'),
  },
  {
    name: 'out of memory',
    begin: () => server.ask('CONFIG SET maxmemory 1'),
    end: () => server.ask('CONFIG SET maxmemory 0'),
    isPartial: true,
  },
]

interface Scene extends AsyncDisposable {
  readonly limiter: Ratelimiter
  readonly events: string[]
  /** Resolves when the limiter has met a failure. */
  lost(): Promise<void>
}

/** A limiter of 20 in 100 ms. */
function scene(onBackendError: BackendErrorPolicy): Scene {
  const backend = new RedisBackend({ url: server.url, callTimeout: { milliseconds: callTimeout } })
  const limiter = new Ratelimiter({ limit: 20, window: '100ms', backend, onBackendError })
  const events: string[] = []
  limiter.on('backend-lost', () => events.push('lost'))
  limiter.on('backend-back', () => events.push('back'))
  return {
    limiter,
    events,
    lost() {
      const lost = Promise.withResolvers<void>()
      limiter.on('backend-lost', () => lost.resolve())
      return lost.promise
    },
    async [Symbol.asyncDispose]() {
      await limiter.close()
      await backend.close()
    },
  }
}

/** How an acquire ends, and after how many milliseconds. */
async function timed(acquire: () => Promise<unknown>): Promise<{ code: string; took: number }> {
  const startedAt = performance.now()
  let code = 'granted'
  try {
    await acquire()
  } catch (error) {
    code = (error as Error & { code: string }).code
  }
  return { code, took: performance.now() - startedAt }
}

/** Does something again and again until then. */
async function meanwhile(act: () => Promise<unknown>, until: Promise<void>): Promise<void> {
  const over = until.then(() => true)
  while (!(await Promise.race([over, sleep(5, false)]))) await act()
}

/** Lost at first and back in the end: once, or now and then when some calls are served. */
function assertLostAndBack(events: readonly string[], { name, isPartial }: Outage): void {
  assert.ok(events.length === 2 || (isPartial === true && events.length % 2 === 0), name)
  for (const [index, event] of events.entries()) assert.equal(event, index % 2 === 0 ? 'lost' : 'back', name)
}

test('wait: whatever happens to the server, the limit holds among processes, and all go on afterwards', async (t) => {
  const program = join(import.meta.dirname, 'programs/redis-grants.ts')
  const child = spawn(process.execPath, [program, server.url], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let lines = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (lines += text))
  await once(child.stdout, 'data')
  await using here = scene('wait')
  const { limiter, events } = here
  const grants: number[] = []
  const over = new AbortController()
  const work = async (): Promise<void> => {
    while (!over.signal.aborted) grants.push((await limiter.acquire('shared')).grantedAt)
  }
  const workers = Array.from({ length: 5 }, work)
  await limiter.acquire('other')
  for (const outage of outages) {
    const { name } = outage
    events.length = 0
    const lost = here.lost()
    await outage.begin()
    await lost
    const { code, took } = await timed(() => limiter.acquire('other', { maxWait: '300ms' }))
    assert.ok(took < 300 + leeway, `${name}: ${took} ms`)
    const counted = grants.length
    await sleep(300)
    if (outage.isPartial !== true) {
      assert.equal(code, 'ERR_BACKEND', name)
      assert.equal(grants.length, counted, name)
      assert.deepEqual(events, ['lost'], name)
    }
    await outage.end()
    while (grants.length < counted + 50) await sleep(10)
    await limiter.acquire('other')
    assertLostAndBack(events, outage)
    const flushed = grants.length
    await server.ask('SCRIPT FLUSH')
    while (grants.length < flushed + 50) await sleep(10)
    assertLostAndBack(events, outage)
  }
  over.abort()
  child.stdin.end()
  await Promise.all([...workers, once(child, 'exit')])
  const others = lines.trim().split('\n').map(Number)
  assert.ok(grants.length > 100 && others.length > 100)
  const all = [...grants, ...others].toSorted((a, b) => a - b)
  const tooMany = all.filter((at, index) => (all[index + 20] ?? Number.POSITIVE_INFINITY) - at < 100_000)
  assert.deepEqual(tooMany, [])
})

for (const outage of outages) {
  const { name, isPartial = false } = outage

  test(`throw: while the server is ${name}, every call fails in time`, async () => {
    await using here = scene('throw')
    const acquire = (): Promise<unknown> => here.limiter.acquire()
    await acquire()
    const lost = here.lost()
    await outage.begin()
    await meanwhile(() => timed(acquire), lost)
    for (let call = 0; call < 20; call++) {
      const { code, took } = await timed(acquire)
      assert.ok(code === 'ERR_BACKEND' || (isPartial && code === 'granted'), code)
      assert.ok(took < callTimeout + leeway, `${took} ms`)
      await sleep(10)
    }
    await outage.end()
    while ((await timed(acquire)).code !== 'granted') await sleep(10)
    assertLostAndBack(here.events, outage)
  })

  test(`local: while the server is ${name}, memory counts, and then the server again`, async () => {
    await using here = scene('local')
    const acquire = (): Promise<unknown> => here.limiter.acquire('local')
    await acquire()
    const lost = here.lost()
    await outage.begin()
    await meanwhile(acquire, lost)
    const startedAt = performance.now()
    for (let unit = 0; unit < 50; unit++) {
      const { code, took } = await timed(acquire)
      assert.equal(code, 'granted')
      assert.ok(took < callTimeout + 100 + leeway, `${took} ms`)
    }
    assert.ok(isPartial || performance.now() - startedAt >= 100, 'memory keeps the limit too')
    await outage.end()
    const isBack = (): boolean => here.events.at(-1) === 'back'
    while (!isBack()) {
      await acquire()
      await sleep(5)
    }
    assertLostAndBack(here.events, outage)
  })
}
