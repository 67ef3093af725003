import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Measurement, Order } from './child.ts'
import type { Setup } from './subject.ts'

/** Somebody to be measured. */
export interface Entry {
  /** As the table shows it. */
  readonly name: string
  /** The module with its `subject`, from this folder. */
  readonly module: string
  readonly options?: Setup['options']
}

/** A contestant in a process of its own, which waits between its turns. */
export class Contestant {
  readonly name: string
  readonly #child: ChildProcess

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
  }

  /** Starts the process and waits until it is ready. */
  static async start({ name, module, options = {} }: Entry, url: string): Promise<Contestant> {
    const setup: Setup = { url, options }
    const child = fork(join(import.meta.dirname, 'child.ts'), [`./${module}`, JSON.stringify(setup)], {
      execArgv: ['--expose-gc'],
    })
    const contestant = new Contestant(name, child)
    await contestant.#answer()
    return contestant
  }

  /** One turn. */
  async run(order: Order): Promise<Measurement> {
    this.#child.send(order)
    return (await this.#answer()) as Measurement
  }

  /** Ends the process. */
  stop(): void {
    if (this.#child.connected) this.#child.disconnect()
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error(`${this.name}: its process has ended; see above why`))
      this.#child.once('exit', onExit)
      this.#child.once('message', (message) => {
        this.#child.off('exit', onExit)
        resolve(message)
      })
    })
  }
}
