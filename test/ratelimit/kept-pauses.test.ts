import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import type { LimitKey } from '../../src/backends/contract.ts'
import { KeptPauses } from '../../src/ratelimit/kept-pauses.ts'
import { second } from './helpers.ts'

const rule = slidingWindow({ limit: 1, window: second, margin: 0 })
const limit: LimitKey = { prefix: 'p', name: 'k', key: 'p:k', rule, retention: 0 }

test('a longer pause that is kept while the one before it is told is told too', async () => {
  const pauses = new KeptPauses()
  pauses.keep(limit, 10 * second)
  const told: number[] = []
  await pauses.tellAll(
    () => 0,
    async (_limit, span) => {
      told.push(span)
      if (told.length === 1) pauses.keep(limit, 60 * second)
      await Promise.resolve()
    },
  )
  assert.deepEqual(told, [10 * second, 60 * second])
})

test('a pause that could not be told stays, and of two the one that ends later', async () => {
  const pauses = new KeptPauses()
  pauses.keep(limit, 10 * second)
  const refused = new Error('refused')
  const refuse = (): Promise<void> => {
    pauses.keep(limit, 5 * second)
    return Promise.reject(refused)
  }
  await assert.rejects(
    pauses.tellAll(() => 0, refuse),
    refused,
  )
  const told: number[] = []
  for (let time = 0; time < 2; time++) {
    await pauses.tellAll(
      () => 2 * second,
      (_limit, span) => told.push(span),
    )
  }
  assert.deepEqual(told, [8 * second])
})
