import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { ClientCommands } from '../../../src/backends/redis/client-commands.ts'
import { openLink } from '../../../src/backends/redis/client-open.ts'
import type { Script } from '../../../src/backends/redis/commands.ts'
import { parseRedisOptions, type RedisConnectionOptions } from '../../../src/backends/redis/redis-options.ts'
import { SessionError } from '../../../src/core/errors.ts'

/** Commands to close with `await using`. */
export type TestCommands = ClientCommands & AsyncDisposable

/** Commands as a backend with these options has them. */
export function commandsFor(options: RedisConnectionOptions): TestCommands {
  const settings = parseRedisOptions(options)
  const commands = new ClientCommands((lost) => openLink(settings, lost), settings.callTimeout)
  return Object.assign(commands, { [Symbol.asyncDispose]: () => commands.close() })
}

export function script(source: string): Script {
  return { source, sha1: createHash('sha1').update(source).digest('hex') }
}

/** Sets a key, and returns what it was set to. */
export const setScript = script("redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])")

export const echoScript = script('return ARGV[1]')

/** What every failed call has to reject with. */
export function backendError(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SessionError)
    assert.equal(error.code, 'ERR_BACKEND')
    assert.match(error.message, message)
    assert.ok(!error.message.includes('\n'), 'one line')
    return true
  }
}

/** Asserts that it rejects, and by when: milliseconds, with some leeway for a busy machine. */
export async function rejectsWithin(
  limit: number,
  call: () => Promise<unknown>,
  message: RegExp,
): Promise<void> {
  const startedAt = performance.now()
  await assert.rejects(call(), backendError(message))
  const took = performance.now() - startedAt
  assert.ok(took < limit + 1_000, `${took} ms`)
}

/** Calls until it succeeds. */
export async function eventually<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 20_000
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof SessionError) || performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
