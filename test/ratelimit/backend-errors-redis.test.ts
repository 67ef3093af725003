import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RedisBackend } from '../../src/backends/redis/redis-backend.ts'
import { type BackendErrorPolicy, type Duration, Ratelimiter } from '../../src/ratelimit/index.ts'
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

/** A limiter of 20 in 100 ms, or so. */
function scene(onBackendError: BackendErrorPolicy, { url } = server, window: Duration = '100ms'): Scene {
  const backend = new RedisBackend({ url, callTimeout: { milliseconds: callTimeout } })
  const limiter = new Ratelimiter({ limit: 20, window, backend, onBackendError })
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

/** This process and another one, which both take all that they are given. */
class Takers {
  readonly grants: number[] = []
  readonly #over = new AbortController()
  readonly #workers: readonly Promise<void>[]
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  #lines = ''

  private constructor(limiter: Ratelimiter, child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#lines += text))
    const work = async (): Promise<void> => {
      while (!this.#over.signal.aborted) this.grants.push((await limiter.acquire('shared')).grantedAt)
    }
    this.#workers = Array.from({ length: 5 }, work)
  }

  /** Both are under way. */
  static async start(t: TestContext, limiter: Ratelimiter, url: string, window: number): Promise<Takers> {
    const program = join(import.meta.dirname, 'programs/redis-grants.ts')
    const child = spawn(process.execPath, [program, url, `${window}`], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    await once(child.stdout, 'readable')
    return new Takers(limiter, child)
  }

  /** That many more are granted to this process. */
  async more(count: number): Promise<void> {
    const from = this.grants.length
    while (this.grants.length < from + count) await sleep(5)
  }

  /** Ends both. @returns the instants of all grants, in order */
  async end(): Promise<readonly number[]> {
    this.#over.abort()
    this.#child.stdin.end()
    await Promise.all([...this.#workers, once(this.#child, 'exit')])
    const others = this.#lines.trim().split('\n').map(Number)
    assert.ok(others.length > 20)
    return [...this.grants, ...others].toSorted((a, b) => a - b)
  }
}

/** Never more than 20 within so many milliseconds. */
function assertHeld(grants: readonly number[], window: number): void {
  const isTooEarly = (at: number, index: number): boolean => {
    return (grants[index + 20] ?? Number.POSITIVE_INFINITY) - at < window * 1_000
  }
  assert.deepEqual(grants.filter(isTooEarly), [])
}

test('wait: whatever happens to the server, the limit holds among processes, and all go on afterwards', async (t) => {
  await using here = scene('wait')
  const { limiter, events } = here
  const takers = await Takers.start(t, limiter, server.url, 100)
  await limiter.acquire('other')
  for (const outage of outages) {
    const { name } = outage
    events.length = 0
    const lost = here.lost()
    await outage.begin()
    await lost
    const { code, took } = await timed(() => limiter.acquire('other', { maxWait: '300ms' }))
    assert.ok(took < 300 + leeway, `${name}: ${took} ms`)
    const { length } = takers.grants
    await sleep(300)
    if (outage.isPartial !== true) {
      assert.equal(code, 'ERR_BACKEND', name)
      assert.equal(takers.grants.length, length, name)
      assert.deepEqual(events, ['lost'], name)
    }
    await outage.end()
    await takers.more(50)
    await limiter.acquire('other')
    assertLostAndBack(events, outage)
    await server.ask('SCRIPT FLUSH')
    await takers.more(50)
    assertLostAndBack(events, outage)
  }
  assertHeld(await takers.end(), 100)
})

test('wait: a server that is killed and has kept nothing is not taken at its word', async (t) => {
  const forgetful = await RedisServer.start()
  await using here = scene('wait', forgetful, '500ms')
  const takers = await Takers.start(t, here.limiter, forgetful.url, 500)
  for (let killing = 0; killing < 2; killing++) {
    const lost = here.lost()
    await takers.more(10)
    await forgetful.kill()
    await forgetful.restart()
    await lost
    await takers.more(10)
  }
  assertHeld(await takers.end(), 500)
  // a busy machine may lose it again before it is back for good
  assert.match(here.events.join(), /^lost,back(,lost,back)+$/)
  await forgetful.kill()
})

test('wait: closing a limiter ends what was asked of a server that does not answer', async () => {
  const limiter = new Ratelimiter({ backend: 'redis', url: server.url })
  await limiter.acquire()
  server.freeze()
  const asked = [limiter.reset(), limiter.peek(), limiter.acquire()]
  const ends = Promise.allSettled(asked)
  await limiter.close()
  server.resume()
  for (const end of await ends) {
    assert.ok(end.status === 'rejected' && (end.reason as { code: string }).code === 'ERR_CLOSED')
  }
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
