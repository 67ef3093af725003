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
  /** What part of the work it is given, if it is slow. Default: 1. */
  readonly share?: number
  /** Calls under way at a time, where that differs. */
  readonly atATime?: number
  /** How many processes of it work at the same time. Default: 1. */
  readonly processes?: number
  /** Whether it is of interest for how long the event loop is held. */
  readonly watchLoop?: boolean
}

/** A contestant in a process of its own, or in several, which wait between their turns. */
export class Contestant {
  readonly name: string
  readonly #share: number
  readonly #watchLoop: boolean
  readonly #children: readonly ChildProcess[]

  private constructor({ name, share = 1, watchLoop = false }: Entry, children: readonly ChildProcess[]) {
    this.name = name
    this.#share = share
    this.#watchLoop = watchLoop
    this.#children = children
  }

  /** Starts the processes and waits until they are ready. */
  static async start(entry: Entry, url: string): Promise<Contestant> {
    const { module, options = {}, atATime = 1, processes = 1 } = entry
    const setup: Setup = { url, options, atATime }
    const children = Array.from({ length: processes }, () =>
      fork(join(import.meta.dirname, 'child.ts'), [`./${module}`, JSON.stringify(setup)], {
        execArgv: ['--expose-gc'],
      }),
    )
    const contestant = new Contestant(entry, children)
    await contestant.#answers()
    return contestant
  }

  /** One turn: what the slowest process took, and the most that any did. */
  async run(order: Order): Promise<Measurement> {
    const [warmUp, count] = [order.warmUp, order.count].map((units) => Math.ceil(units * this.#share))
    for (const child of this.#children) child.send({ ...order, warmUp, count, watchLoop: this.#watchLoop })
    const measured = (await this.#answers()) as Measurement[]
    return measured.reduce((most, each) => ({
      ...most,
      seconds: Math.max(most.seconds, each.seconds),
      cpuSeconds: Math.max(most.cpuSeconds, each.cpuSeconds),
      peakBytes: Math.max(most.peakBytes, each.peakBytes),
      heldSeconds: longest(most.heldSeconds, each.heldSeconds),
    }))
  }

  /** Ends the processes. */
  stop(): void {
    for (const child of this.#children) if (child.connected) child.disconnect()
  }

  #answers(): Promise<unknown[]> {
    return Promise.all(this.#children.map((child) => this.#answer(child)))
  }

  #answer(child: ChildProcess): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error(`${this.name}: its process has ended; see above why`))
      child.once('exit', onExit)
      child.once('message', (message) => {
        child.off('exit', onExit)
        resolve(message)
      })
    })
  }
}

/** The longer one of two times, if they are known. */
export function longest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : Math.max(one, other)
}
