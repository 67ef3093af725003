import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import { type BackendErrorPolicy, type Duration, Ratelimiter } from '../../src/ratelimit/index.ts'
import { newFile } from '../backends/sqlite-support.ts'
import { run } from '../support/run.ts'
import { watch } from './helpers.ts'

const programs = join(import.meta.dirname, 'programs')

/** A lock that another process holds on a file. */
class Lock implements AsyncDisposable {
  readonly #child: ChildProcess

  static async of(path: string): Promise<Lock> {
    const lock = new Lock(path)
    await lock.#line()
    return lock
  }

  private constructor(path: string) {
    const stdio = ['pipe', 'pipe', 'inherit'] as const
    this.#child = spawn(process.execPath, [join(programs, 'lock-file.ts'), path], { stdio: [...stdio] })
  }

  async release(): Promise<void> {
    this.#child.stdin?.write('\n')
    await this.#line()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }

  async #line(): Promise<void> {
    await once(this.#child.stdout as NonNullable<ChildProcess['stdout']>, 'data')
  }
}

interface Scene extends AsyncDisposable {
  readonly limiter: Ratelimiter
  readonly path: string
  readonly events: string[]
}

/** A limiter of 3 in an hour, or so, on a file of its own. */
async function scene(onBackendError: BackendErrorPolicy, window: Duration = '1h'): Promise<Scene> {
  const path = newFile()
  const backend = new SqliteBackend({ db: path, callTimeout: '100ms' })
  const limiter = new Ratelimiter({ limit: 3, window, backend, onBackendError })
  const events: string[] = []
  limiter.on('backend-lost', () => events.push('lost'))
  limiter.on('backend-back', () => events.push('back'))
  await limiter.acquire()
  return {
    limiter,
    path,
    events,
    async [Symbol.asyncDispose]() {
      await limiter.close()
      await backend.close()
    },
  }
}

/** Rejects with ERR_BACKEND and this message, within so many milliseconds and some leeway for a busy machine. */
async function failsWithin(limit: number, call: () => Promise<unknown>, message: RegExp): Promise<void> {
  const startedAt = performance.now()
  await assert.rejects(call(), { code: 'ERR_BACKEND', message })
  const took = performance.now() - startedAt
  assert.ok(took < limit + 500, `${took} ms`)
}

/** Does something again and again until an event comes. */
async function heardWhile(
  { limiter }: Scene,
  name: 'backend-lost' | 'backend-back',
  act: () => unknown,
): Promise<void> {
  const heard = Promise.withResolvers<void>()
  limiter.on(name, () => heard.resolve())
  const again = setInterval(act, 10)
  await heard.promise
  clearInterval(again)
}

const locked = /is locked by another program/

test('wait: a file that another program has locked is waited for', async () => {
  await using here = await scene('wait')
  await using lock = await Lock.of(here.path)
  const asked = watch(here.limiter.acquire())
  await failsWithin(400, () => here.limiter.acquire('default', { maxWait: '400ms' }), locked)
  await failsWithin(0, () => here.limiter.acquire('default', { maxWait: '0ms' }), locked)
  assert.deepEqual(here.events, ['lost'])
  assert.deepEqual(asked, {})
  await lock.release()
  await here.limiter.acquire()
  assert.ok(asked.ticket !== undefined)
  assert.equal((await here.limiter.peek()).remaining, 0)
  assert.deepEqual(here.events, ['lost', 'back'])
})

test('throw: a file that another program has locked is an error, until it is not', async () => {
  await using here = await scene('throw')
  await using lock = await Lock.of(here.path)
  await failsWithin(100, () => here.limiter.acquire(), locked)
  await failsWithin(0, () => here.limiter.acquire(), locked)
  await lock.release()
  await heardWhile(here, 'backend-back', () => watch(here.limiter.acquire()))
})

test('local: while another program has locked the file, memory counts', async () => {
  await using here = await scene('local')
  await using lock = await Lock.of(here.path)
  for (let unit = 0; unit < 3; unit++) await here.limiter.acquire()
  assert.equal((await here.limiter.peek()).remaining, 0)
  await lock.release()
  await heardWhile(here, 'backend-back', () => here.limiter.peek())
  assert.equal((await here.limiter.peek()).remaining, 2)
})

test('wait: a file that is replaced by something else is waited for, and then for what was granted before', async () => {
  await using here = await scene('wait', '1s')
  const { grantedAt } = await here.limiter.acquire()
  for (const end of ['-wal', '-shm']) rmSync(`${here.path}${end}`)
  rmSync(here.path)
  writeFileSync(here.path, 'To whom it may concern: this is no database. '.repeat(100))
  // Those who have a file open look at it now and then.
  await heardWhile(here, 'backend-lost', () => here.limiter.peek())
  const message = /was deleted or replaced|is no SQLite database/
  await failsWithin(400, () => here.limiter.acquire('default', { maxWait: '400ms' }), message)
  rmSync(here.path)
  const next = await here.limiter.acquire()
  assert.ok(next.grantedAt >= grantedAt + 1_000_000)
  assert.deepEqual(here.events, ['lost', 'back'])
})

test('throw: a database that may not be written to is an error each time, and lost only once', async () => {
  const conn = new DatabaseSync(newFile())
  const backend = new SqliteBackend({ conn })
  await using limiter = new Ratelimiter({ backend, onBackendError: 'throw' })
  const events: string[] = []
  limiter.on('backend-lost', () => events.push('lost'))
  limiter.on('backend-back', () => events.push('back'))
  await limiter.acquire()
  conn.exec('PRAGMA query_only = 1')
  const end = performance.now() + 500
  while (performance.now() < end) {
    await failsWithin(0, () => limiter.acquire(), /cannot be written/)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.deepEqual(events, ['lost'])
  conn.close()
})

test('a program that gave up waiting for its backend ends by itself', async () => {
  const path = newFile()
  const lock = new DatabaseSync(path)
  lock.exec('BEGIN EXCLUSIVE')
  const startedAt = performance.now()
  const { stdout, stderr, status } = await run([join(programs, 'impatient.ts'), path, '1500ms'])
  assert.equal(stderr, '')
  assert.equal(stdout, 'ERR_BACKEND\n')
  assert.equal(status, 0)
  assert.ok(performance.now() - startedAt < 5_000)
  lock.close()
})
