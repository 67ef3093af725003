import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { BatchError, createBatch, type Batch, type BatchOptions, type Many } from '../../src/batch/index.ts'
import { FakeSession, type Answer, type Options } from './fake-session.ts'

type Urls = string | Many<string>

/** A batch of the fake session, without progress. */
export function requests(
  urls: Urls,
  options: BatchOptions<Answer, Options> = {},
  session: FakeSession = new FakeSession(),
): Batch<Answer> {
  return createBatch(urls, { progress: false, ...options }, session)
}

/** `/0`, `/1`, ... */
export function* generated(count: number): Generator<string, void, undefined> {
  for (let index = 0; index < count; index++) yield `/${index}`
}

/** The same, one a turn of the event loop. */
export async function* trickled(count: number): AsyncGenerator<string, void, undefined> {
  for (const url of generated(count)) {
    await nextTurn()
    yield url
  }
}

/** What a batch throws. */
export async function failure(batch: PromiseLike<unknown>): Promise<BatchError<Answer>> {
  try {
    await batch
  } catch (error) {
    assert.ok(error instanceof BatchError)
    return error as BatchError<Answer>
  }
  return assert.fail('it did not throw')
}

/** Which URL each answer is for. */
export const urlsOf = (answers: readonly Answer[]): string[] => answers.map(({ url }) => url)
