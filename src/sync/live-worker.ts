import { extname } from 'node:path'
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  SHARE_ENV,
} from 'node:worker_threads'
import { OptionError, SessionError } from '../core/errors.ts'
import { isLifelineOpen } from './lifeline.ts'
import { lookOut } from './look-out.ts'
import { type Answer, type Call, word, wordCount, type WorkerMessage, type WorkerSetup } from './protocol.ts'

/** Beside this file, as TypeScript or as JavaScript. */
const program = new URL(`worker${extname(import.meta.url)}`, import.meta.url)

/** A worker that was started has so many milliseconds to be up. */
const timeToStart = 30_000

/** One worker thread, as the thread that blocks for it sees it. */
export class LiveWorker {
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #answers: MessagePort
  readonly #words = new Int32Array(new SharedArrayBuffer(wordCount * Int32Array.BYTES_PER_ELEMENT))
  readonly #startedAt = performance.now()
  #received = 0
  #ended = false

  constructor() {
    const calls = new MessageChannel()
    const answers = new MessageChannel()
    this.#port = calls.port1
    this.#answers = answers.port1
    const setup: WorkerSetup = { port: calls.port2, answers: answers.port2, words: this.#words }
    this.#worker = new Worker(program, {
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

  /** @throws OptionError for what structured clone refuses */
  post(call: Call, transfer: ArrayBuffer[]): void {
    try {
      this.#port.postMessage(call, transfer)
      Atomics.add(this.#words, word.called, 1)
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
    const received = receiveMessageOnPort(this.#port)
    if (received !== undefined) this.#received = (this.#received + 1) | 0
    return received?.message as WorkerMessage | undefined
  }

  /** Blocks this thread until there is a message, or the time is up. @returns whether there is a message */
  wait(milliseconds: number): boolean {
    const isQuick = Atomics.load(this.#words, word.quick) !== 0
    if (isQuick && lookOut(this.#words, word.posted, this.#received)) return true
    return Atomics.wait(this.#words, word.posted, this.#received, milliseconds) !== 'timed-out'
  }

  /** The id of the last call that it has begun with. */
  get begun(): number {
    return Atomics.load(this.#words, word.begun)
  }

  /** Whether it is known to have ended; a blocked thread has to look, see {@link isGone}. */
  get hasEnded(): boolean {
    return this.#ended
  }

  /** Looks whether it has ended, or does not start. */
  get isGone(): boolean {
    if (this.#ended) return true
    if (Atomics.load(this.#words, word.lifeline) !== 0) return !isLifelineOpen(this.#words)
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

/** What a call is told whose worker has ended. */
export function lostWorker(cause: unknown): SessionError {
  const message =
    'the thread that this session works in has ended before the answer came: it was terminated, ran out of memory, ' +
    'or failed (see cause); the next call starts another, without the cookies, cache and limits that this one had in memory'
  return new SessionError('ERR_WORKER', message, cause === undefined ? {} : { cause })
}
