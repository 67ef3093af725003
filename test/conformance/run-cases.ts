import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Backend } from '../../src/backends/contract.ts'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import { RedisBackend } from '../../src/backends/redis/redis-backend.ts'
import { startTemporaryServer, type TemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import type { Clock } from '../../src/core/clock.ts'
import { Session } from '../../src/session/session.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import type { Case, Step } from './case.ts'
import { Origin, split } from './origin.ts'

/** Where the cases are run: each backend gives the same results. One that is added here runs them all. */
const backends: Readonly<Record<string, (clock: Clock) => Backend>> = {
  memory: (clock) => new MemoryBackend({ clock }),
  sqlite: (clock) => new SqliteBackend({ clock }),
  redis: (clock) => new RedisBackend({ clock }),
}

/** One server for all cases: it runs as long as somebody uses it. */
let server: TemporaryServer | undefined
before(async () => (server = await startTemporaryServer()))
after(() => server?.close())

/** Cases that share a server have a prefix each. */
let casesRun = 0

/** What a user gets, whichever way it was asked for. */
interface Got {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

type Ask = (session: Session, url: string, step: Step) => Promise<Got>

/** The ways to ask. */
const faces: Readonly<Record<string, Ask>> = {
  request: async (session, url, step) => {
    const response = await session.request(step.method ?? 'GET', url, optionsOf(step))
    return { status: response.status, headers: response.headers, text: response.text() }
  },
  stream: async (session, url, step) => {
    const response = await session.stream(url, { ...optionsOf(step), method: step.method ?? 'GET' })
    return { status: response.status, headers: response.headers, text: await response.text() }
  },
  fetch: async (session, url, { method = 'GET', send = [], cache = 'default' }) => {
    const response = await session.fetch(url, { method, headers: send.map(split), cache, redirect: 'manual' })
    return { status: response.status, headers: response.headers, text: await response.text() }
  },
}

function optionsOf({ send = [], cache = 'default' }: Step): object {
  return { headers: send.map(split), cache, redirect: 'manual', retry: false }
}

/** Runs every case on every backend, in every way. */
export function runCases(cases: readonly Case[]): void {
  for (const [backend, open] of Object.entries(backends)) {
    for (const [face, ask] of Object.entries(faces)) {
      describe(`${backend}, ${face}`, () => {
        for (const { name, steps } of cases) test(name, () => runSteps(steps, open, ask))
      })
    }
  }
}

async function runSteps(steps: readonly Step[], open: (clock: Clock) => Backend, ask: Ask): Promise<void> {
  const clock = new ManualClock()
  await using origin = await Origin.listen(clock)
  await using backend = open(clock)
  await using session = new Session({
    clock,
    cache: { backend, key: `case ${++casesRun}`, storeTimeout: '1m' },
  })
  let stored = ''
  for (const [index, step] of steps.entries()) {
    await clock.advance((step.after ?? 0) * 1_000_000)
    if (step.answer !== undefined) origin.current = { body: String(index + 1), ...step.answer }
    const earlier = origin.arrivals.length
    const puts = (await session.cache.stats()).stored
    const got = await ask(session, origin.url + (step.path ?? '/case'), step).catch(toError)
    if (step.expect === 'behind') await until(async () => (await session.cache.stats()).stored > puts)
    const arrival = origin.arrivals.slice(earlier).at(-1)
    const where = `step ${index + 1}`
    checkOutcome(step, got, arrival?.status, where)
    if (got instanceof Error) continue
    if (step.expect === 'asked' && step.method === undefined) stored = origin.current.body ?? ''
    const empty = step.method === 'HEAD' || got.status === 304 || got.status === 416 || got.status === 204
    const known = step.expect !== 'either' && (step.method ?? 'HEAD') === 'HEAD'
    const text = step.text ?? (empty ? '' : known ? stored : undefined)
    if (text !== undefined) assert.equal(got.text, text, `${where}: content`)
    for (const [name, value] of Object.entries(step.fields ?? {})) {
      assert.equal(got.headers.get(name), value, `${where}: ${name} of the response`)
    }
    for (const [name, value] of Object.entries(step.sent ?? {})) {
      const sent = arrival?.message.headers[name.toLowerCase()] ?? null
      assert.equal(sent, value, `${where}: ${name} of the request`)
    }
  }
}

function checkOutcome(
  { expect, status }: Step,
  got: Got | Error,
  originStatus: number | undefined,
  where: string,
): asserts got is Got | Error {
  if (expect === 'failed') {
    assert.ok(got instanceof Error, `${where}: a response came`)
    return
  }
  if (got instanceof Error) throw got
  const answered = originStatus === 304 && got.status !== 304 ? 'validated' : 'asked'
  const happened = originStatus === undefined ? 'reused' : answered
  if (expect === 'behind') assert.notEqual(happened, 'reused', `${where}: nobody asked the origin`)
  else if (expect !== 'either') assert.equal(happened, expect, where)
  const expected = status ?? (expect === 'asked' ? originStatus : 200)
  if (expect !== 'either' || status !== undefined) assert.equal(got.status, expected, `${where}: status`)
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('not an error', { cause: error })
}

/** Waits for what happens behind the caller’s back. */
async function until(happened: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 5_000
  while (!(await happened())) {
    if (Date.now() > giveUpAt) assert.fail('nothing was stored in the background')
    await nextTurn()
  }
}
