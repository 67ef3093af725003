import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Microseconds } from '../core/duration.ts'
import { OptionError, SessionError } from '../core/errors.ts'
import { checkHttpbinOptions, type HttpbinOptions } from './httpbin.ts'
import { Arrival } from './httpbin/arrivals.ts'
import type { Message, Question } from './httpbin/child.ts'

/** An httpbin in a process of its own. */
export interface HttpbinProcess extends AsyncDisposable {
  /** `http://127.0.0.1:49152`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** Its process id. */
  readonly pid: number
  /** See `Httpbin.arrivals`. */
  arrivals(): Promise<Arrival[]>
  /** See `Httpbin.instants`. */
  instants(): Promise<Microseconds[]>
  /** See `Httpbin.count`. */
  count(): Promise<number>
  /** Forgets the arrivals. */
  clear(): Promise<void>
  /** Ends the process. */
  close(): Promise<void>
}

/** Beside this file, as TypeScript or as JavaScript. */
const program = fileURLToPath(new URL(`httpbin/child${extname(import.meta.url)}`, import.meta.url))

/**
 * Starts httpbin in a process of its own, so that client and server do not share an event loop. It
 * ends when this process does, however that ends, and does not keep it alive.
 * @throws OptionError when an option is wrong or the port is taken
 */
export async function spawnHttpbin(options: HttpbinOptions = {}): Promise<HttpbinProcess> {
  const child = fork(program, [JSON.stringify(checkHttpbinOptions(options))], {
    execArgv: [], // ours may be --eval, or --test
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const first = await nextMessage(child)
  if (first.kind !== 'listening') {
    child.disconnect()
    throw new OptionError(first.kind === 'failed' ? first.message : 'httpbin: unexpected answer')
  }
  child.unref()
  child.channel?.unref()
  return faceOf(child, first)
}

function faceOf(child: ChildProcess, { url, port }: Message & { kind: 'listening' }): HttpbinProcess {
  let queue: Promise<unknown> = Promise.resolve()
  /** One question at a time, so that answers need no numbers. */
  const ask = <T>(question: Question): Promise<T> => {
    const answer = queue.then(async () => {
      if (!child.connected) throw ended()
      child.channel?.ref()
      child.send(question)
      const message = await nextMessage(child)
      child.channel?.unref()
      return (message as Message & { kind: 'answer' }).value as T
    })
    queue = answer.catch(() => undefined)
    return answer
  }
  const close = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.ref()
    const exited = once(child, 'exit')
    if (child.connected) child.disconnect()
    await exited
  }
  return {
    url,
    port,
    pid: child.pid as number,
    arrivals: async () =>
      (await ask<Arrival[]>('arrivals')).map(
        ({ at, method, path, rawHeaders }) => new Arrival(at, method, path, rawHeaders),
      ),
    instants: () => ask('instants'),
    count: () => ask('count'),
    clear: () => ask('clear'),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The child's next message; an error when it ends before. */
function nextMessage(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      child.off('message', onMessage)
      child.off('error', onError)
      child.off('exit', onExit)
    }
    const onMessage = (message: unknown): void => {
      settle()
      resolve(message as Message)
    }
    const onError = (cause: Error): void => {
      settle()
      reject(ended(cause))
    }
    const onExit = (): void => {
      settle()
      reject(ended())
    }
    child.on('message', onMessage)
    child.on('error', onError)
    child.on('exit', onExit)
  })
}

function ended(cause?: Error): SessionError {
  return new SessionError('ERR_CLOSED', 'the httpbin process has ended', { cause })
}
