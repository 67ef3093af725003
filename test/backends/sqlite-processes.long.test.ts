import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import type { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { worstWindow } from '../../src/testing/index.ts'
import { run } from '../support/run.ts'
import { newFile } from './sqlite-support.ts'

const program = join(import.meta.dirname, 'programs/grants.ts')
const hrtime = (): number => Number(process.hrtime.bigint() / 1_000n)

interface Grant {
  /** On the file’s clock. */
  readonly grantedAt: number
  /** On the machine’s. */
  readonly seenAt: number
}

/** A process that takes grants when it is told to, for `duration` ms; each time from another file. */
class Worker {
  readonly grants: Grant[] = []
  readonly ended: Promise<{ status: number | null; stderr: string }>
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  #ready = Promise.withResolvers<void>()

  constructor(db: string, duration: number) {
    this.#child = spawn(process.execPath, [program, db, `${duration}`], { stdio: 'pipe' })
    let stderr = ''
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#note(line))
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (status) => {
        this.#ready.resolve()
        resolve({ status, stderr })
      })
    })
  }

  /** Resolves when the process waits to be told, or is dead. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  begin(at: number): void {
    this.#ready = Promise.withResolvers()
    this.#child.stdin.write(`${at}\n`)
  }

  end(): void {
    this.#child.stdin.end()
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #note(line: string): void {
    if (line === 'ready') this.#ready.resolve()
    else {
      const [grantedAt, seenAt] = line.split(' ').map(Number) as [number, number]
      this.grants.push({ grantedAt, seenAt })
    }
  }
}

/** All together, a little later, when they are ready. */
async function beginTogether(workers: readonly Worker[]): Promise<void> {
  await Promise.all(workers.map(({ ready }) => ready))
  const at = hrtime() + 20_000
  for (const worker of workers) worker.begin(at)
}

test('four processes that open one fresh file at once all can, in each of 15 trials', async () => {
  const db = newFile()
  const workers = Array.from({ length: 4 }, () => new Worker(db, 0))
  for (let trial = 0; trial < 15; trial++) await beginTogether(workers)
  for (const worker of workers) {
    await worker.ready
    worker.end()
    assert.deepEqual(await worker.ended, { status: 0, stderr: '' })
    assert.equal(worker.grants.length, 15 * 10)
  }
})

test('four processes together are never granted one too many, and go on when one is killed', async () => {
  const db = newFile()
  const workers = Array.from({ length: 4 }, () => new Worker(db, 2_000))
  const [killed, ...others] = workers as [Worker, ...Worker[]]
  await beginTogether(workers)
  await new Promise((resolve) => setTimeout(resolve, 800))
  killed.kill()
  await killed.ended
  const known = others.map(({ grants }) => grants.length)
  for (const worker of others) {
    await worker.ready
    worker.end()
    assert.deepEqual(await worker.ended, { status: 0, stderr: '' })
  }
  assert.ok(others.every(({ grants }, index) => grants.length > (known[index] as number)))
  const grants = workers.flatMap((worker) => worker.grants)
  const instants = grants.map(({ grantedAt }) => grantedAt).sort((a, b) => a - b)
  assert.ok(worstWindow(instants, 200_000) <= 50)
  // There are 50 at once, and 50 more each 200 ms: 500 where the machine has time for four processes.
  assert.ok(instants.length >= 250, `${instants.length} of 500`)
  // What the file’s clock says is not in the future of the clock of the machine.
  const file = new DatabaseSync(`${db}0`)
  const { booted_at: bootedAt } = file.prepare('SELECT booted_at FROM http_sessions').get() as {
    booted_at: number
  }
  file.close()
  assert.ok(grants.every(({ grantedAt, seenAt }) => grantedAt - bootedAt <= seenAt))
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
