import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** The benchmarks' server, in a process of its own. */
export interface Server extends Disposable {
  readonly url: string
}

/** Starts it, and waits until it listens. It ends when it is disposed of, or when this process ends. */
export async function startServer(): Promise<Server> {
  const child = fork(join(import.meta.dirname, 'server.ts'))
  const [port] = (await once(child, 'message')) as [number]
  return { url: `http://127.0.0.1:${port}/json`, [Symbol.dispose]: () => child.disconnect() }
}
