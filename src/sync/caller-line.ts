import { receiveMessageOnPort } from 'node:worker_threads'
import { pack, type Packing, unpack, type Unpacking } from './portable.ts'
import { lookOut, quickAnswer } from './look-out.ts'
import { type Answer, type Call, word, type WorkerMessage, type WorkerSetup } from './protocol.ts'

/** The worker's end of the conversation. */
export class CallerLine {
  readonly #setup: WorkerSetup
  /** Calls that have been taken. */
  #taken = 0
  readonly unpacking: Unpacking = { call: (number, args) => this.#ask(number, args) }

  constructor(setup: WorkerSetup) {
    this.#setup = setup
  }

  /** Has each call taken that comes. */
  onCall(take: (call: Call) => void): void {
    this.#setup.port.on('message', (call: Call) => {
      this.#taken = (this.#taken + 1) | 0
      take(call)
    })
  }

  /** The next call, if it comes at once; to be asked for when one has just been replied to. */
  nextCall(): Call | undefined {
    const { port, words } = this.#setup
    if (!lookOut(words, word.called, this.#taken)) return undefined
    const received = receiveMessageOnPort(port)
    if (received !== undefined) this.#taken = (this.#taken + 1) | 0
    return received?.message as Call | undefined
  }

  /** The call with this id is begun with. @returns when, for {@link reply} */
  begin(id: number): number {
    Atomics.store(this.#setup.words, word.begun, id)
    return performance.now()
  }

  reply(id: number, value: unknown, begunAt: number): void {
    Atomics.store(this.#setup.words, word.quick, performance.now() - begunAt < quickAnswer ? 1 : 0)
    const packing: Packing = { transfer: [] }
    this.#post({ id, value: pack(value, '', packing) }, packing.transfer)
  }

  fail(id: number, error: unknown): void {
    const packing: Packing = { transfer: [] }
    this.#post({ id, error: pack(error, '', packing) }, packing.transfer)
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
    const { port, words } = this.#setup
    port.postMessage(message, transfer)
    Atomics.add(words, word.posted, 1)
    Atomics.notify(words, word.posted)
  }
}
