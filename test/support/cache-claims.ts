import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type CachePlace, openPlace } from './cache-killing.ts'

const program = join(import.meta.dirname, '../backends/programs/claims.ts')
const second = 1_000_000

/** Lets three processes claim the same leases at once, and end without giving them back: each has one holder, while it lasts. */
export async function raceForLeases(place: CachePlace): Promise<void> {
  const children = ['one', 'two', 'three'].map((token) =>
    spawn(process.execPath, [program, JSON.stringify(place), token, String(3 * second)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  const lines = children.map(({ stdout }) => createInterface({ input: stdout })[Symbol.asyncIterator]())
  const next = (): Promise<string[]> =>
    Promise.all(lines.map(async (line) => (await line.next()).value as string))
  assert.deepEqual(await next(), ['ready', 'ready', 'ready'])
  const startedAt = performance.now()
  for (const { stdin } of children) stdin.write('go\n')
  const got = (await next()).map((line) => JSON.parse(line) as number[])
  const all = Array.from({ length: 200 }, (_, key) => key)
  assert.deepEqual(
    got.flat().toSorted((one, other) => one - other),
    all,
  )
  await Promise.all(children.map(async (child) => child.exitCode ?? once(child, 'exit')))
  await using backend = openPlace(place)
  const claims = [...all.keys()].map(async (key) => backend.cache.claim(`Test:${key}`, 'four', second))
  const isTaken = (await Promise.all(claims)).includes(true)
  // a machine that was too busy to look in time says nothing
  assert.ok(!isTaken || performance.now() - startedAt > 2_500)
  while (!(await backend.cache.claim('Test:0', 'four', second)))
    await new Promise((resolve) => setTimeout(resolve, 50))
  assert.ok(performance.now() - startedAt >= 2_900)
}
