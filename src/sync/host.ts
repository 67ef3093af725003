import { configured } from '../session/session-config.ts'
import type { CallerLine } from './caller-line.ts'
import { HostedSession } from './hosted-session.ts'
import { unpack } from './portable.ts'
import type { Call } from './protocol.ts'

/** All sessions of one worker. */
export class Host {
  readonly #line: CallerLine
  readonly #sessions = new Map<number, HostedSession>()

  constructor(line: CallerLine) {
    this.#line = line
  }

  /** Does what is asked, and replies when it is done. */
  take({ id, session, operation, args, config }: Call): void {
    this.#line.begin(id)
    if (config !== undefined) Object.assign(configured, config, { debug: false }) // what there is to say, the caller says
    this.#carryOut(session, operation, args).then(
      (value) => this.#line.reply(id, value),
      (error: unknown) => this.#line.fail(id, error),
    )
  }

  async #carryOut(number: number, operation: Call['operation'], packed: Call['args']): Promise<unknown> {
    const args = packed.map((argument) => unpack(argument, this.#line.unpacking))
    if (operation === 'open') {
      this.#sessions.set(number, new HostedSession(...(args as [readonly string[], object])))
      return undefined
    }
    const session = this.#sessions.get(number) as HostedSession
    if (operation === 'close') this.#sessions.delete(number)
    return (session[operation] as (...args: readonly unknown[]) => unknown).apply(session, args)
  }
}
