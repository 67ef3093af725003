import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Task } from '../session/programs/cache.ts'

const program = join(import.meta.dirname, '../session/programs/cache.ts')

/** Where the processes keep their responses. */
export type Place = { readonly db: string } | { readonly url: string }

/** A process with a session of its own. */
export interface Member {
  /** Makes requests. @returns the different contents that came */
  readonly ask: (task: Task) => Promise<string[]>
  readonly child: ChildProcess
}

/** Processes that share a cache; each ends by itself, unless it was killed. */
export async function members(t: TestContext, place: Place, key: string, count: number): Promise<Member[]> {
  const started = Array.from({ length: count }, async (): Promise<Member> => {
    const child = spawn(process.execPath, [program, JSON.stringify(place), key], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    t.after(async () => {
      child.stdin.end()
      const [code, signal] = await ended
      assert.ok(code === 0 || signal === 'SIGKILL', `it ended with ${code ?? signal}`)
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    assert.equal((await lines.next()).value, 'ready')
    const ask = async (task: Task): Promise<string[]> => {
      child.stdin.write(`${JSON.stringify(task)}\n`)
      return JSON.parse((await lines.next()).value as string) as string[]
    }
    return { ask, child }
  })
  return Promise.all(started)
}

/** An origin that the test answers for. */
export interface HeldOrigin {
  readonly url: string
  readonly arrivals: IncomingMessage[]
  readonly held: ServerResponse[]
  /** Waits until so many requests have arrived in all. */
  readonly until: (count: number) => Promise<void>
}

/** @param answer answers the n-th request, counted from 1; what it leaves alone is held */
export async function heldOrigin(
  t: TestContext,
  answer: (response: ServerResponse, n: number) => void = () => undefined,
): Promise<HeldOrigin> {
  const arrivals: IncomingMessage[] = []
  const held: ServerResponse[] = []
  const server = createServer((request, response) => {
    arrivals.push(request)
    held.push(response)
    answer(response, arrivals.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const until = async (count: number): Promise<void> => {
    while (arrivals.length < count) await nextTurn()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`, arrivals, held, until }
}
