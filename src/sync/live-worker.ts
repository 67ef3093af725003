import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  type WorkerOptions,
  SHARE_ENV,
} from 'node:worker_threads'
import { OptionError, SessionError } from '../core/errors.ts'
import { isLifelineOpen } from './lifeline.ts'
import { lookOut } from './look-out.ts'
import { Lane } from './lane.ts'
import { ReplyReader } from './reply-lane.ts'
import {
  type Answer,
  type Call,
  nudge,
  type ShortCall,
  word,
  wordCount,
  type WorkerMessage,
  type WorkerSetup,
} from './protocol.ts'

/** A worker that was started has so many milliseconds to be up. */
const timeToStart = 30_000

/** Bytes of the two lanes: most calls, and most responses of an API, are shorter. */
const callLane = 16_384
const replyLane = 65_536

/** One worker thread, as the thread that blocks for it sees it. */
export class LiveWorker {
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #answers: MessagePort
  readonly #words = new Int32Array(new SharedArrayBuffer(wordCount * Int32Array.BYTES_PER_ELEMENT))
  readonly #calls = new SharedArrayBuffer(callLane)
  readonly #replies = new SharedArrayBuffer(replyLane)
  readonly #callLane = new Lane(this.#calls)
  readonly #shortReplies = new ReplyReader(this.#replies)
  readonly #startedAt = performance.now()
  #called = 0
  #received = 0
  #ended = false

  /** @throws SessionError ERR_WORKER when its program is not where it should be, or no worker is allowed */
  constructor() {
    const program = findProgram()
    const calls = new MessageChannel()
    const answers = new MessageChannel()
    this.#port = calls.port1
    this.#answers = answers.port1
    const setup: WorkerSetup = {
      port: calls.port2,
      calls: this.#calls,
      replies: this.#replies,
      answers: answers.port2,
      words: this.#words,
    }
    this.#worker = startWorker(program, {
      name: 'http-sessions',
      workerData: setup,
      transferList: [calls.port2, answers.port2],
      env: SHARE_ENV,
      // a program given as text to `node --input-type` would have the worker refuse its file
      ...(process.execArgv.some((argument) => argument.startsWith('--input-type')) ? { execArgv: [] } : {}),
    })
    // who was waiting has been told by then
    this.#worker.on('error', () => (this.#ended = true))
    this.#worker.on('exit', () => (this.#ended = true))
    this.#worker.unref()
  }

  /**
   * @param isPlain it is such that JSON keeps it
   * @throws OptionError for what structured clone refuses
   */
  post(call: Call, transfer: ArrayBuffer[], isPlain: boolean): void {
    const words = this.#words
    const isShort = isPlain && Atomics.load(words, word.taken) === this.#called && this.#writeShort(call)
    if (!isShort) this.#postWhole(call, transfer)
    this.#called = (this.#called + 1) | 0
    Atomics.store(words, word.called, this.#called)
    if (isShort && Atomics.load(words, word.looksOut) === 0) this.#port.postMessage(nudge)
  }

  #writeShort({ id, session, operation, args, config }: Call): boolean {
    if (config !== undefined) return false
    const short: ShortCall = [id, session, operation, args]
    return this.#callLane.write(JSON.stringify(short))
  }

  #postWhole(call: Call, transfer: ArrayBuffer[]): void {
    try {
      this.#port.postMessage(call, transfer)
    } catch (cause) {
      throw new OptionError(`an option cannot be used by a SyncSession: ${(cause as Error).message}`, {
        cause,
      })
    }
  }

  /** Answers the worker, which is standing still. */
  answer(answer: Answer): void {
    this.#answers.postMessage(answer)
    Atomics.add(this.#words, word.answered, 1)
    Atomics.notify(this.#words, word.answered)
  }

  /** The next message, if one is there. */
  receive(): WorkerMessage | undefined {
    if (Atomics.load(this.#words, word.posted) === this.#received) return undefined
    const message =
      this.#shortReplies.read() ?? (receiveMessageOnPort(this.#port)?.message as WorkerMessage | undefined)
    if (message === undefined) return undefined
    this.#received = (this.#received + 1) | 0
    Atomics.store(this.#words, word.received, this.#received)
    return message
  }

  /** Blocks this thread until there is a message, or the time is up. @returns whether there is a message */
  wait(milliseconds: number): boolean {
    const words = this.#words
    const isDue = Atomics.load(words, word.quick) !== 0 || Atomics.exchange(words, word.near, 0) !== 0
    if (isDue && lookOut(words, word.posted, this.#received)) return true
    return Atomics.wait(words, word.posted, this.#received, milliseconds) !== 'timed-out'
  }

  /** The id of the last call that it has begun with. */
  get begun(): number {
    return Atomics.load(this.#words, word.begun)
  }

  /** Whether it is known to have ended; a blocked thread has to look, see {@link isGone}. */
  get hasEnded(): boolean {
    return this.#ended
  }

  /** It has said why it ends: nothing follows. */
  hasFailed(): void {
    this.#ended = true
  }

  /** Whether it has been up. */
  get hasStarted(): boolean {
    return Atomics.load(this.#words, word.lifeline) !== 0
  }

  /** Looks whether it has ended, or does not start. */
  get isGone(): boolean {
    if (this.#ended) return true
    if (this.hasStarted) return !isLifelineOpen(this.#words)
    return performance.now() - this.#startedAt > timeToStart
  }

  /** Ends it, whatever it is doing. */
  terminate(): void {
    this.#ended = true
    this.#port.close()
    this.#answers.close()
    // nobody is to be told when it is over, nor if it was over before
    void this.#worker.terminate()
  }
}

/** @throws SessionError ERR_WORKER where Node.js allows no worker */
function startWorker(program: string, options: WorkerOptions): Worker {
  try {
    return new Worker(program, options)
  } catch (cause) {
    const hint =
      (cause as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED' ? '; allow it with --allow-worker' : ''
    throw workerError(`the thread that this session works in could not start: ${String(cause)}${hint}`, cause)
  }
}

/**
 * Beside this file, as TypeScript or as JavaScript. A thread that is blocked would not hear that there is none.
 * @throws SessionError ERR_WORKER
 */
function findProgram(): string {
  // a bundle in the form of CommonJS has no such URL
  const here = import.meta.url as string | undefined
  const path = here && fileURLToPath(new URL(`worker${extname(here)}`, here))
  if (path !== undefined && existsSync(path)) return path
  throw new SessionError(
    'ERR_WORKER',
    `the program of a SyncSession’s worker is not there${path === undefined ? '' : `: ${path}`}; ` +
      'have your bundler leave http-sessions out (external), so that its files stay together',
  )
}

/** What a call is told whose worker has ended. */
export function lostWorker(cause: unknown): SessionError {
  return workerError(
    'the thread that this session works in has ended before the answer came: it was terminated, ran out of memory, ' +
      'or failed (see cause); the next call starts another, without the cookies, cache and limits that this one had in memory',
    cause,
  )
}

/** What a call is told whose worker did not come up. */
export function unstartedWorker(cause: unknown): SessionError {
  const reason = cause === undefined ? `was not up within ${timeToStart / 1_000} s` : 'failed (see cause)'
  return workerError(`the thread that this session works in could not start: it ${reason}`, cause)
}

function workerError(message: string, cause: unknown): SessionError {
  return new SessionError('ERR_WORKER', message, cause === undefined ? {} : { cause })
}
