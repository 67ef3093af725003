import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fixedWindow } from '../../../src/algorithms/fixed-window.ts'
import { gcraKernel } from '../../../src/algorithms/gcra.ts'
import type { Grant, Rule } from '../../../src/algorithms/rule.ts'
import { slidingWindow } from '../../../src/algorithms/sliding-window.ts'
import type { LimitKey } from '../../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../../src/backends/memory/memory-limit-store.ts'
import { LimitClocks } from '../../../src/backends/redis/limit-clocks.ts'
import { keysOf } from '../../../src/backends/redis/limit-keys.ts'
import {
  cancelOperation,
  reserveEachOperation,
  settleOperation,
} from '../../../src/backends/redis/limit-operations.ts'
import { LimitOutbox } from '../../../src/backends/redis/limit-outbox.ts'
import { Random } from '../../../src/testing/random.ts'
import { SteppedClock } from '../../../src/testing/stepped-clock.ts'
import { closeServer, connectAfresh } from './limit-support.ts'

const second = 1_000_000
const hour = 3_600 * second

after(closeServer)

interface Shape {
  readonly burst: number
  readonly span: number
  readonly margin: number
}

const rules: Readonly<Record<string, (shape: Shape) => Rule<unknown>>> = {
  'a sliding window': ({ burst, span, margin }) => slidingWindow({ limit: burst, window: span, margin }),
  'a fixed window': ({ burst, span, margin }) =>
    fixedWindow({ limit: burst, window: span, margin, align: 'first' }),
  'a fixed window by the clock': ({ burst, span, margin }) =>
    fixedWindow({ limit: burst, window: span, margin, align: 'clock' }),
  'a bucket': ({ burst, span, margin }) => {
    const interval = { numerator: Math.ceil(span / burst), denominator: 3 }
    return gcraKernel({ algorithm: 'gcra', burst, interval, margin })
  },
}

/** What the server ran for one call: when, by the test’s clock, and until when the limit’s keys have to last. */
interface Step {
  readonly at: number
  readonly neededUntil: number
  /** Whether units were in a list then. */
  readonly hasList: boolean
}

/** Plays a history in which keys need not be kept while they say nothing. */
async function play(
  outbox: LimitOutbox,
  clock: SteppedClock,
  limit: LimitKey,
  { burst, span, margin }: Shape,
  random: Random,
  mark: (step: number) => Promise<boolean>,
  forget: () => Promise<unknown>,
): Promise<Step[]> {
  // Neither forgets anything meanwhile: the server, since all takes longer than the test.
  const memory = new MemoryLimitStore({ clock, checkFrequency: 1e15 })
  const steps: Step[] = []
  const open: Grant[] = []
  const pace = [0.3, 0.9, 1.1, 2][random.integer(0, 3)] as number
  let usedAt = 0
  for (let step = 0; step < 60; step++) {
    const units = random.integer(0, 3) > 0 ? 1 : random.integer(1, Math.ceil(burst / 4))
    clock.at += Math.ceil(((random.integer(0, 200) / 100) * (span / burst) * units) / pace)
    if (random.integer(0, 19) === 0) clock.at -= random.integer(0, 900_000)
    if (random.integer(0, 9) < 7 || open.length === 0) {
      const costs = Array(units).fill(1)
      const { grants } = memory.reserveEach(limit, costs)
      const answer = await outbox.post(limit, reserveEachOperation(limit.rule, costs, 0, 0))
      assert.equal(answer.grants.length, grants.length)
      open.push(...answer.grants)
      if (grants.length > 0) usedAt = clock.at
    } else {
      const [grant] = open.splice(random.integer(0, open.length - 1), 1) as [Grant]
      const until = grant.at + random.integer(0, 3 * margin + 10)
      if (random.integer(0, 3) === 0) {
        memory.cancel(limit, grant)
        await outbox.post(limit, cancelOperation(grant))
      } else {
        memory.settle(limit, grant, until, 'arrived')
        await outbox.post(limit, settleOperation(grant, until, 'arrived'))
      }
    }
    const hasList = await mark(step)
    const neededUntil = Math.max(clock.at + memory.peek(limit).resetAfter, usedAt + limit.retention)
    steps.push({ at: clock.at, neededUntil, hasList })
    if (neededUntil > clock.at + 10 * second) continue
    // What the server may forget at any moment now is forgotten in both.
    clock.at = Math.max(clock.at, neededUntil)
    memory.reset(limit)
    await forget()
  }
  return steps
}

for (const [name, make] of Object.entries(rules)) {
  test(`the keys of ${name} last for as long as they are needed, and its retention, whatever wrote them`, async () => {
    const connection = await connectAfresh()
    const evaluate = connection.evaluate.bind(connection)
    let shortcuts = 0
    connection.evaluate = async (...args) => {
      const reply = await evaluate(...args)
      if (typeof reply === 'string') shortcuts++
      return reply
    }
    for (let seed = 0; seed < 16; seed++) {
      const random = new Random(seed)
      const clock = new SteppedClock(1_700_000_000 * second)
      const span = [hour, 24 * hour][random.integer(0, 1)] as number
      const burst = [random.integer(1, 20), random.integer(40, 80), random.integer(90, 200)][
        seed % 3
      ] as number
      const margin = [0, 0, 50_000, Math.floor(span / 3), 2 * span][random.integer(0, 4)] as number
      const shape = { burst, span, margin }
      const retention = [0, 0, span, 5 * span][random.integer(0, 3)] as number
      const rule = make(shape)
      const limit = { prefix: 't', name: String(seed), key: `t:${seed}:${rule.algorithm}`, rule, retention }
      const outbox = new LimitOutbox(connection, new LimitClocks(clock), 0)
      let steps: Step[] = []
      const lines = await connection.watch(async () => {
        steps = await play(
          outbox,
          clock,
          limit,
          shape,
          random,
          async (step) => {
            await connection.send('ECHO', `step ${step}`)
            return (await connection.send<number>('EXISTS', `${keysOf(limit)[1]}:units`)) === 1
          },
          () => connection.unlink(keysOf(limit)),
        )
      })
      checkTimes(lines, steps, keysOf(limit).slice(1))
    }
    assert.ok(shortcuts > 100, `${shortcuts}`)
    connection.close()
  })
}

/** Sees to it that after each step the state lasts until it is needed no more, and its list for as long as the state. */
function checkTimes(
  lines: readonly string[],
  steps: readonly Step[],
  [state, list]: readonly string[],
): void {
  const expiries = new Map<string, number>()
  let step = 0
  for (const line of lines) {
    const { at, neededUntil, hasList } = steps[step] ?? { at: 0, neededUntil: 0, hasList: false }
    if (line.includes(`"ECHO" "step ${step}"`)) {
      const lastsUntil = expiries.get(state as string)
      if (lastsUntil !== undefined)
        assert.ok(lastsUntil >= neededUntil, `step ${step}: ${neededUntil - lastsUntil} µs`)
      const listLastsUntil = expiries.get(list ?? '') ?? 0
      if (hasList)
        assert.ok(listLastsUntil >= (lastsUntil ?? 0), `step ${step}: the list goes before its state`)
      step++
      continue
    }
    if (line.includes('"UNLINK"')) expiries.clear()
    const [, command, key] = /lua\] "(\w+)" "([^"]*)"/.exec(line) ?? []
    if (command === undefined || key === undefined) continue
    const [, set, renewed] = /"PX" "(\d+)"$|"PEXPIRE" .* "(\d+)"$/.exec(line) ?? []
    if (command === 'DEL') expiries.delete(key)
    else if (set !== undefined || renewed !== undefined)
      expiries.set(key, at + Number(set ?? renewed) * 1_000)
  }
  assert.equal(step, steps.length)
}
