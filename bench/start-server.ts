import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What contestants work with. */
export type Needed = 'http' | 'redis' | 'file'

/** It, and where it is. */
export interface Server extends AsyncDisposable {
  readonly url: string
  /** How many requests have reached it; only a server of HTTP counts them. */
  requests?(): Promise<number>
}

/** Starts it, and waits until it is there. It ends when it is disposed of, or when this process ends. */
export function startServer(needed: Needed): Promise<Server> {
  return starts[needed]()
}

const starts: Readonly<Record<Needed, () => Promise<Server>>> = {
  /** In a process of its own. */
  async http() {
    const child = fork(join(import.meta.dirname, 'server.ts'))
    const [port] = (await once(child, 'message')) as [number]
    return {
      url: `http://127.0.0.1:${port}`,
      async requests() {
        child.send('requests')
        const [count] = (await once(child, 'message')) as [number]
        return count
      },
      [Symbol.asyncDispose]: async () => child.disconnect(),
    }
  },
  async redis() {
    const { startTemporaryServer } = await import('../dist/backends/redis/temporary-server.js')
    const server = await startTemporaryServer()
    return { url: `unix://${server.socketPath}`, [Symbol.asyncDispose]: () => server.close() }
  },
  async file() {
    const folder = await mkdtemp(join(tmpdir(), 'http-sessions-bench-'))
    const remove = (): Promise<void> => rm(folder, { recursive: true })
    return { url: join(folder, 'limits.db'), [Symbol.asyncDispose]: remove }
  },
}
