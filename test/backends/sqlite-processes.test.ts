import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { worstWindow } from '../../src/testing/index.ts'
import { run } from '../support/run.ts'
import { newFile } from './sqlite-support.ts'

const program = join(import.meta.dirname, 'programs/grants.ts')
const hrtime = (): number => Number(process.hrtime.bigint() / 1_000n)

interface Worker {
  readonly child: ChildProcess
  readonly grants: { readonly grantedAt: number; readonly seenAt: number }[]
  readonly ended: Promise<{ status: number | null; stderr: string }>
}

/** Starts a process that takes grants from `startAt` on, for `duration` ms, in each of `trials` files. */
function takeGrants(db: string, startAt: number, duration: number, trials: number): Worker {
  const child = spawn(process.execPath, [program, db, `${startAt}`, `${duration}`, `${trials}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const grants: Worker['grants'] = []
  let rest = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() as string
    for (const line of lines) {
      const [grantedAt, seenAt] = line.split(' ').map(Number) as [number, number]
      grants.push({ grantedAt, seenAt })
    }
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<{ status: number | null; stderr: string }>((resolve) => {
    child.on('close', (status) => resolve({ status, stderr }))
  })
  return { child, grants, ended }
}

const processes = 4

/** How much later than another a process may note its grant, on a machine with fewer cores than processes. */
const lateness = 20_000

test('four processes that open one fresh file at once all can, in each of 15 trials', async () => {
  const db = newFile()
  const startAt = hrtime() + 800_000
  const workers = Array.from({ length: processes }, () => takeGrants(db, startAt, 0, 15))
  for (const { ended } of workers) assert.deepEqual(await ended, { status: 0, stderr: '' })
  assert.deepEqual(
    workers.map(({ grants }) => grants.length),
    Array(processes).fill(15 * 10),
  )
})

test('four processes together are never granted one too many, and nearly all there is, though one is killed', async () => {
  const startAt = hrtime() + 800_000
  const db = newFile()
  const workers = Array.from({ length: processes }, () => takeGrants(db, startAt, 2_000, 1))
  const [killed, ...others] = workers as [Worker, ...Worker[]]
  await new Promise((resolve) => setTimeout(resolve, 1_600))
  killed.child.kill('SIGKILL')
  for (const { ended } of others) assert.deepEqual(await ended, { status: 0, stderr: '' })
  await killed.ended
  const grants = workers.flatMap((worker) => worker.grants)
  const sorted = (name: 'grantedAt' | 'seenAt'): number[] =>
    grants.map((grant) => grant[name]).sort((a, b) => a - b)
  // What the store says of its grants, and what the processes saw of them on the machine's own clock.
  assert.ok(worstWindow(sorted('grantedAt'), 200_000) <= 50)
  assert.ok(worstWindow(sorted('seenAt'), 200_000 - lateness) <= 50)
  const counted = grants.filter(({ seenAt }) => seenAt < startAt + 2_000_000).length
  assert.ok(counted >= 450, `${counted} of 500`)
  assert.ok(workers.every((worker) => worker.grants.length > 0))
})

test('without a path limits are in a temporary file, which is gone when the process has ended', async () => {
  const before = new Set(readdirSync(tmpdir()))
  for (const end of ['', 'process.exit(0)']) {
    const { stdout, stderr, status } = await run([
      '--input-type=module',
      '-e',
      `import { readdirSync } from 'node:fs'
      import { tmpdir } from 'node:os'
      import { Ratelimiter } from ${JSON.stringify(join(import.meta.dirname, '../../src/ratelimit/index.ts'))}
      const before = new Set(readdirSync(tmpdir()))
      const limiter = new Ratelimiter({ backend: 'sqlite' })
      await limiter.acquire()
      console.log(readdirSync(tmpdir()).filter((name) => !before.has(name) && name.startsWith('http-sessions-')).join())
      ${end}`,
    ])
    assert.equal(status, 0, stderr)
    const folders = stdout.trim().split(',')
    assert.ok(folders.length > 0 && folders.every((name) => name.startsWith('http-sessions-')), stdout)
    assert.ok(
      folders.some((name) => !before.has(name) && !existsSync(join(tmpdir(), name))),
      stdout,
    )
  }
})

test('who keeps limits in memory does not load SQLite', async () => {
  const { stdout, stderr } = await run([
    '--input-type=module',
    '-e',
    `import { Session, SqliteBackend } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))}
    const session = new Session({ ratelimit: { limit: 1 } })
    new SqliteBackend()
    console.log(process.moduleLoadList.filter((name) => /sqlite/i.test(name)))
    await session.close()`,
  ])
  assert.equal(stdout.trim(), '[]', stderr)
})
