import { receiveMessageOnPort } from 'node:worker_threads'
import type { CacheEventName } from '../cache/events.ts'
import { pack, type Packing, unpack, type Unpacking } from './portable.ts'
import { lookOut, quickAnswer } from './look-out.ts'
import { Response } from '../http/response.ts'
import { Lane } from './lane.ts'
import { ReplyWriter } from './reply-lane.ts'
import {
  type Answer,
  type Call,
  nudge,
  type ShortCall,
  word,
  type WorkerMessage,
  type WorkerSetup,
} from './protocol.ts'

/** The worker's end of the conversation. */
export class CallerLine {
  readonly #setup: WorkerSetup
  readonly #calls: Lane
  readonly #replies: ReplyWriter
  /** Calls that have been taken. */
  #taken = 0
  #posted = 0
  readonly unpacking: Unpacking = { call: (number, args) => this.#ask(number, args) }

  constructor(setup: WorkerSetup) {
    this.#setup = setup
    this.#calls = new Lane(setup.calls)
    this.#replies = new ReplyWriter(setup.replies)
  }

  /** Has each call taken that comes. */
  onCall(take: (call: Call) => void): void {
    this.#setup.port.on('message', (message: Call | typeof nudge) => {
      const call = message === nudge ? this.#takeShort() : this.#takeWhole(message)
      if (call !== undefined) take(call)
    })
  }

  /** The next call, if it comes at once; to be asked for when one has just been replied to. */
  nextCall(): Call | undefined {
    const { words } = this.#setup
    Atomics.store(words, word.looksOut, 1)
    lookOut(words, word.called, this.#taken)
    Atomics.store(words, word.looksOut, 0)
    // looked at once more: who called since has not nudged
    if (Atomics.load(words, word.called) === this.#taken) return undefined
    return this.#takeShort() ?? this.#receiveWhole()
  }

  #takeShort(): Call | undefined {
    const short = this.#calls.read()
    if (short === undefined) return undefined
    const [id, session, operation, args] = JSON.parse(short.text) as ShortCall
    return this.#takeWhole({ id, session, operation, args })
  }

  /** A call from the port; nudges before it are for calls that have been found. */
  #receiveWhole(): Call | undefined {
    for (;;) {
      const received = receiveMessageOnPort(this.#setup.port)
      if (received === undefined) return undefined
      if (received.message !== nudge) return this.#takeWhole(received.message as Call)
    }
  }

  #takeWhole(call: Call): Call {
    this.#taken = (this.#taken + 1) | 0
    Atomics.store(this.#setup.words, word.taken, this.#taken)
    return call
  }

  /** The answer is about to come: the caller, should it sleep, takes a while to wake up. */
  near(): void {
    const { words } = this.#setup
    Atomics.store(words, word.near, 1)
    Atomics.notify(words, word.posted)
  }

  /** The call with this id is begun with. @returns when, for {@link reply} */
  begin(id: number): number {
    Atomics.store(this.#setup.words, word.begun, id)
    return performance.now()
  }

  reply(id: number, value: unknown, begunAt: number): void {
    Atomics.store(this.#setup.words, word.quick, performance.now() - begunAt < quickAnswer ? 1 : 0)
    const mayBeShort = Atomics.load(this.#setup.words, word.received) === this.#posted
    if (mayBeShort && value instanceof Response && this.#replies.writeResponse(id, value)) {
      this.#told()
      return
    }
    const packing: Packing = { transfer: [] }
    const packed = pack(value, '', packing)
    if (mayBeShort && packing.needsClone !== true && this.#replies.writeValue(id, packed)) this.#told()
    else this.#post({ id, value: packed }, packing.transfer)
  }

  fail(id: number, error: unknown): void {
    const packing: Packing = { transfer: [] }
    this.#post({ id, error: pack(error, '', packing) }, packing.transfer)
  }

  /** Tells of an event; heard with the reply to the call under way, or to the next one. */
  tell(session: number, name: CacheEventName, event: unknown): void {
    const packing: Packing = { transfer: [] }
    this.#post({ told: session, name, event: pack(event, '', packing) }, packing.transfer)
  }

  /** The worker is about to end. */
  fatal(error: unknown): void {
    this.#post({ fatal: pack(error, '', { transfer: [] }) }, [])
  }

  /** Has the calling thread call a function, and stands still meanwhile: the caller wants the result at once. */
  #ask(number: number, args: readonly unknown[]): unknown {
    const { answers, words } = this.#setup
    const before = Atomics.load(words, word.answered)
    const packing: Packing = { transfer: [] }
    this.#post({ ask: number, args: args.map((each) => pack(each, '', packing)) }, packing.transfer)
    Atomics.wait(words, word.answered, before)
    const { message } = receiveMessageOnPort(answers) as { readonly message: Answer }
    if (message.thrown === undefined) return unpack(message.value, this.unpacking)
    const error = unpack(message.thrown.error, this.unpacking)
    throw Object.assign(error instanceof Error ? error : new Error('a function threw'), {
      thrownAs: message.thrown.number,
    })
  }

  #post(message: WorkerMessage, transfer: ArrayBuffer[]): void {
    this.#setup.port.postMessage(message, transfer)
    this.#told()
  }

  #told(): void {
    const { words } = this.#setup
    this.#posted = (this.#posted + 1) | 0
    Atomics.store(words, word.posted, this.#posted)
    Atomics.notify(words, word.posted)
  }
}
