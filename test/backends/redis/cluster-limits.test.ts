import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { slotCount, slotOf } from '../../../src/backends/redis/cluster-slots.ts'
import { RedisBackend } from '../../../src/backends/redis/redis-backend.ts'
import { type RatelimiterOptions, Ratelimiter, RatelimitError } from '../../../src/ratelimit/index.ts'
import { worstWindow } from '../../../src/testing/oracles.ts'
import { startCluster } from '../../support/redis-cluster.ts'
import type { RedisServer } from '../../support/redis-server.ts'

const { masters, replicas } = await startCluster({ replicas: true })
const cluster = masters.map(({ port }) => ({ port }))
const backend = new RedisBackend({ cluster, callTimeout: '5s' }) // for a busy machine
after(() => backend.close())

/** Which of the masters has a key, as long as all are there: each has a third of the slots. */
function masterOf(key: string): RedisServer {
  return masters[Math.floor((slotOf(`{${key}}`) * 3) / slotCount)] as RedisServer
}

const kinds: Readonly<Record<string, { options: RatelimiterOptions; units: number }>> = {
  'one limit': { options: { limit: 3, window: '1h' }, units: 3 },
  'another algorithm': { options: { type: 'gcra', period: '1h', limit: '1h' }, units: 2 },
  'several limits together': {
    options: {
      limits: [
        { limit: 9, window: '1h' },
        { type: 'fixedwindow', limit: 2, window: '1h' },
        { type: 'tokenbucket', capacity: 5, fillRate: '1/h' },
      ],
    },
    units: 2,
  },
}

for (const [kind, { options, units }] of Object.entries(kinds)) {
  test(`${kind}: each of 3,000 keys, on all three masters, gives what it should and no more`, async () => {
    const urls = Array.from({ length: 3_000 }, (_, number) => `https://host-${number}.example/{id}?ä`)
    await using limiter = new Ratelimiter({ ...options, backend, key: kind, raiseErrors: true })
    const outcome = async (url: string): Promise<string> => {
      try {
        await limiter.acquire(url)
        return 'granted'
      } catch (error) {
        return (error as Error & { code: string }).code
      }
    }
    const expected = [...Array<string>(units).fill('granted'), 'ERR_RATELIMIT'].join()
    for (let turn = 0; turn < urls.length; turn += 100) {
      const some = urls.slice(turn, turn + 100)
      const outcomes = await Promise.all(
        some.map((url) => Promise.all(Array.from({ length: units + 1 }, () => outcome(url)))),
      )
      for (const [index, each] of outcomes.entries()) assert.equal(each.join(), expected, some[index])
    }
    for (const url of urls.slice(0, 100)) assert.equal((await limiter.peek(url)).remaining, 0)
    const sizes = await Promise.all(masters.map((master) => master.ask('DBSIZE')))
    assert.ok(
      sizes.every((size) => Number(size.slice(1)) >= 900),
      sizes.join(),
    )
    await limiter.reset(urls[0])
    assert.equal((await limiter.peek(urls[0])).remaining, units)
    await limiter.clear()
    assert.equal((await limiter.peek(urls[1])).remaining, units)
  })
}

const names = Array.from({ length: 40 }, (_, index) => `key ${index}`)
const most = 150

/** Takes what a limiter gives on each key, one unit after another, until there is no more or it is over. */
class Takers {
  readonly limiter: Ratelimiter
  /** The instants of each key’s grants, on the servers’ clock. */
  readonly grants = new Map<string, number[]>(names.map((name) => [name, []]))
  readonly done: Promise<unknown>
  isOver = false

  constructor(limiter: Ratelimiter) {
    this.limiter = limiter
    this.done = Promise.all(names.map((name) => this.#take(name)))
  }

  /** How many were granted on each of some keys. */
  counts(keys: readonly string[]): number[] {
    return keys.map((key) => (this.grants.get(key) as number[]).length)
  }

  async #take(name: string): Promise<void> {
    try {
      while (!this.isOver) {
        // As long as a failover may take
        const { grantedAt } = await this.limiter.acquire(name, { maxWait: '30s' })
        this.grants.get(name)?.push(grantedAt)
        await sleep(10)
      }
    } catch (error) {
      if (!(error instanceof RatelimitError)) throw error
    }
  }
}

const failovers = [
  { how: 'is killed', index: 0, isBehind: false },
  { how: 'is killed, and its replica is behind', index: 1, isBehind: true },
]

for (const { how, index, isBehind } of failovers) {
  test(`a master ${how}: limits go on, and only what the replica has not heard of is granted again`, async (t) => {
    const victim = masters[index] as RedisServer
    const replica = replicas[index] as RedisServer
    const itsKeys = names.filter((name) => masterOf(name) === victim)
    const otherKeys = names.filter((name) => masterOf(name) !== victim)
    const hour = { limit: most, window: '1h' } as const
    const bucket = { type: 'tokenbucket', capacity: most, fillRate: '1/h' } as const
    const drained = [
      new Takers(new Ratelimiter({ ...hour, backend, key: `one ${index}` })),
      new Takers(new Ratelimiter({ limits: [hour, bucket], backend, key: `several ${index}` })),
    ]
    const going = new Takers(new Ratelimiter({ limit: 10, window: '100ms', backend, key: `going ${index}` }))
    await sleep(600)

    const heardOf = drained.map((takers) => takers.counts(itsKeys))
    if (isBehind) {
      replica.freeze()
      await victim.ask('CLIENT KILL TYPE replica')
      await sleep(300)
    }
    await victim.kill()
    const granted = drained.map((takers) => takers.counts(itsKeys))
    const [goneOn, goneOnElsewhere] = [going.counts(itsKeys), going.counts(otherKeys)]
    const killedAt = performance.now()
    if (isBehind) replica.resume()

    const isBack = (count: number, key: number): boolean => count > (goneOn[key] as number) + 20
    while (!going.counts(itsKeys).every(isBack)) await sleep(10)
    const away = Math.round(performance.now() - killedAt)
    const elsewhere = sum(going.counts(otherKeys)) - sum(goneOnElsewhere)
    t.diagnostic(`${elsewhere} granted on ${otherKeys.length} keys of other masters in ${away} ms`)
    assert.ok(elsewhere > 0)
    going.isOver = true
    await Promise.all([going, ...drained].map(({ done }) => done))

    // A failover takes longer than such a window: what was forgotten does not count any more.
    for (const [name, instants] of going.grants) assert.ok(worstWindow(instants, 100_000) <= 10, name)
    for (const [turn, takers] of drained.entries()) {
      for (const count of takers.counts(otherKeys)) assert.ok(count <= most)
      const tooMany = takers.counts(itsKeys).map((count) => count - most)
      const unheard = granted[turn]?.map((count, key) => count - (heardOf[turn]?.[key] as number)) as number[]
      t.diagnostic(`${Math.max(...tooMany)} of ${most} too many on a key, ${Math.max(...unheard)} unheard of`)
      assert.ok(Math.max(...tooMany) <= most)
      // One more may have been under way.
      if (isBehind)
        for (const [key, count] of tooMany.entries()) assert.ok(count <= (unheard[key] as number) + 1)
    }
    for (const { limiter } of [going, ...drained]) await limiter.close()
  })
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
