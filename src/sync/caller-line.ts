import { receiveMessageOnPort } from 'node:worker_threads'
import { pack, type Packing, unpack, type Unpacking } from './portable.ts'
import { type Answer, word, type WorkerMessage, type WorkerSetup } from './protocol.ts'

/** The worker's end of the conversation. */
export class CallerLine {
  readonly #setup: WorkerSetup
  readonly unpacking: Unpacking = { call: (number, args) => this.#ask(number, args) }

  constructor(setup: WorkerSetup) {
    this.#setup = setup
  }

  /** The call with this id is begun with. */
  begin(id: number): void {
    Atomics.store(this.#setup.words, word.begun, id)
  }

  reply(id: number, value: unknown): void {
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
