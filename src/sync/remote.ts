import { describe } from '../core/duration.ts'
import { OptionError, SessionError, sessionClosed } from '../core/errors.ts'
import type { RequestObject } from '../session/batch-session.ts'
import { checkContent, plainRequest } from './checked-options.ts'
import type { Remnant, Tell } from './hosted-session.ts'
import { type Callee, pack, packJson, type Packing } from './portable.ts'
import type { Operation } from './protocol.ts'
import type { Patience, WorkerLink } from './worker-link.ts'

/** Ends sessions that were forgotten without being closed; a worker would go on for ever. */
const forgotten = new FinalizationRegistry<{ readonly link: WorkerLink; readonly number: number }>(
  ({ link, number }) => link.forget(number),
)

type End = (result: unknown) => readonly [operation: Operation, args: readonly unknown[]]

/** How to let go of what calls leave behind in the worker; of what else they leave, a session’s close does. */
const ends: Partial<Record<Operation, End>> = {
  stream: (result) => ['endIterator', [(result as Remnant<unknown>).number]],
  cacheIterator: (number) => ['endIterator', [number]],
  batch: (number) => ['endBatch', [number]],
  acquire: (result) => ['ticket', [(result as Remnant<unknown>).number, 'release']],
}

/** A session in a worker, as the calling thread talks to it. */
export class Remote {
  readonly link: WorkerLink
  readonly #number: number
  readonly #onEvent: Tell
  readonly #open: readonly [features: readonly string[], options: object]
  /** The worker that it was opened in, and its functions there. */
  #openedIn = 0
  #functions: readonly number[] = []
  #isClosing = false
  #closed = false

  /** @param onEvent told of the events of the cache, when the call is over in which they are heard of */
  constructor(link: WorkerLink, features: readonly string[], options: object, onEvent: Tell) {
    this.link = link
    this.#onEvent = onEvent
    this.#open = [features, options]
    this.#number = link.join()
    forgotten.register(this, { link, number: this.#number }, this)
  }

  /**
   * Calls, and blocks until the result is there. A worker that is gone is replaced; only who has waited for it is told.
   * @param args the last one may be an object of options
   */
  call(operation: Operation, args: readonly unknown[]): unknown {
    try {
      return this.#call(operation, args)
    } finally {
      this.#tell()
    }
  }

  #call(operation: Operation, args: readonly unknown[]): unknown {
    for (;;) {
      this.#ensureOpen()
      const { id, functions } = this.#send(operation, args)
      try {
        return this.link.wait(id, { ...this.#patience, late: this.#lettingGo(operation) })
      } catch (error) {
        // a worker that had ended before it saw the call: the next one will
        if (!isLost(error) || this.link.hasBegun(id)) throw error
      } finally {
        this.link.callees.forget(functions)
      }
    }
  }

  /** Sends a call whose result {@link wait} gives. No worker is started for it. */
  post(operation: Operation, args: readonly unknown[]): number {
    return this.#send(operation, args).id
  }

  /** @throws SessionError ERR_CLOSED; OptionError while a function among the options runs */
  checkUsable(): void {
    if (this.#closed) throw sessionClosed()
    this.link.checkFree()
  }

  /** Which worker it is in; 0 in none. */
  get generation(): number {
    return this.link.isUp && this.link.generation === this.#openedIn ? this.#openedIn : 0
  }

  /** Blocks until the result of an earlier call is there. @throws as {@link call} does, and ERR_CLOSED if it was closed since */
  wait(id: number): unknown {
    if (this.#closed) {
      this.link.abandon(id)
      throw sessionClosed()
    }
    try {
      return this.link.wait(id, this.#patience)
    } finally {
      this.#tell()
    }
  }

  #tell(): void {
    for (const [name, event] of this.link.takeTold(this.#number)) this.#onEvent(name, event)
  }

  /** Milliseconds until the limiter's next grant; undefined when nobody waits, or nobody answers. Asked by timers, too, at any time. */
  nextGrantIn(): number | undefined {
    if (this.#isClosing || this.link.callees.areRunning || this.generation === 0) return undefined
    const id = this.post('status', [])
    try {
      return this.link.wait(id, { limit: () => 1_000 }) as number | undefined
    } catch (error) {
      if (error instanceof SessionError) return undefined // the call that this is about will tell
      throw error
    }
  }

  /**
   * Closes the session, and the worker after its last one.
   * @throws OptionError while a function among the options runs; then nothing is closed
   */
  close(): void {
    if (this.#closed) return
    this.link.checkFree()
    this.#isClosing = true // the worker knows it no more from here on
    try {
      if (this.generation > 0) this.call('close', [])
    } finally {
      this.#closed = true
      forgotten.unregister(this)
      this.link.callees.forget(this.#functions)
      this.link.leave()
    }
  }

  /** What says something to the worker, if it is the same then, and keeps nothing of this session alive until it is called. */
  lettingGo(operation: Operation, args: readonly unknown[]): () => void {
    const [link, number, generation] = [this.link, this.#number, this.generation]
    return () => {
      if (link.generation === generation) link.say(number, operation, args)
    }
  }

  /** What has to be said of the result of a call that comes when nobody waits for it any more. */
  #lettingGo(operation: Operation): Patience['late'] {
    const end = ends[operation]
    if (end === undefined) return undefined
    const [link, number] = [this.link, this.#number] // the session itself may be forgotten meanwhile
    return (result) => link.say(number, ...end(result))
  }

  readonly #patience: Patience = { excuse: () => this.nextGrantIn() !== undefined }

  #ensureOpen(): void {
    if (this.#closed) throw sessionClosed()
    const generation = this.link.start()
    if (this.#openedIn === generation) return
    this.link.callees.forget(this.#functions)
    const { id, functions } = this.#send('open', this.#open)
    this.#functions = functions
    this.link.wait(id, this.#patience)
    this.#openedIn = generation
  }

  #send(operation: Operation, args: readonly unknown[]): { id: number; functions: readonly number[] } {
    this.checkUsable()
    const functions: number[] = []
    const packing: Packing = {
      transfer: [],
      keep: (callee) => {
        const number = this.link.callees.keep(callee)
        functions.push(number)
        return number
      },
    }
    const packed = args.map((argument) => packArgument(argument, packing))
    return { id: this.link.post(this.#number, operation, packed, packing), functions }
  }
}

/** Packs one request of a batch. @throws OptionError */
export function packTarget(target: unknown): unknown {
  const keep = (callee: Callee): never => {
    throw new OptionError(`urls: ${describe(callee)} cannot be a part of a request`)
  }
  return packArgument(plainTarget(target), { transfer: [], keep })
}

function plainTarget(target: unknown): unknown {
  if (typeof target !== 'object' || target === null || !('url' in target)) return target
  const { url, method, ...own } = target as RequestObject
  const plain = plainRequest(own)
  checkContent(plain)
  return { url, ...(method === undefined ? {} : { method }), ...plain }
}

/** Packs an argument; of options, `json` is read as JSON here. */
function packArgument(argument: unknown, packing: Packing): unknown {
  const hasJson = typeof argument === 'object' && argument !== null && 'json' in argument
  if (!hasJson || argument.json === undefined) return pack(argument, '', packing)
  const { json, ...rest } = argument
  return { ...(pack(rest, '', packing) as object), json: packJson(json, packing) }
}

function isLost(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'ERR_WORKER'
}
