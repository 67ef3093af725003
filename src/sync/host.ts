import { subscribe } from 'node:diagnostics_channel'
import { configured } from '../session/session-config.ts'
import type { CallerLine } from './caller-line.ts'
import { HostedSession, type Tell } from './hosted-session.ts'
import { unpack } from './portable.ts'
import type { Call, Operation } from './protocol.ts'

/** So many calls in a row may be taken without the event loop; then sockets and timers get their turn. */
const callsPerTurn = 64

/** All sessions of one worker. */
export class Host {
  readonly #line: CallerLine
  readonly #sessions = new Map<number, HostedSession>()
  #callsInTurn = 0
  /** Calls under way. */
  #running = 0
  /** What the last one of them asks for. */
  #operation: Operation | undefined

  constructor(line: CallerLine) {
    this.#line = line
    line.onCall((call) => {
      this.#callsInTurn = 0
      void this.#take(call)
    })
    // while what follows the head is read and made ready, the caller wakes up
    subscribe('undici:request:headers', () => {
      if (this.#running === 1 && this.#operation === 'request') line.near()
    })
  }

  /** Does what is asked, and replies when it is done. Never rejects. */
  async #take({ id, session, operation, args, config }: Call): Promise<void> {
    const begunAt = this.#line.begin(id)
    this.#running++
    this.#operation = operation
    // what `debug` has to say, the caller says
    if (config !== undefined) Object.assign(configured, config, { debug: false })
    try {
      this.#line.reply(id, await this.#carryOut(session, operation, args), begunAt)
    } catch (error) {
      this.#line.fail(id, error)
    }
    if (--this.#running > 0) return
    if (++this.#callsInTurn < callsPerTurn) {
      this.#lookOut()
    } else {
      this.#callsInTurn = 0
      setImmediate(() => this.#running === 0 && this.#lookOut())
    }
  }

  #lookOut(): void {
    const next = this.#line.nextCall()
    if (next !== undefined) void this.#take(next)
  }

  #carryOut(number: number, operation: Call['operation'], packed: Call['args']): unknown {
    const args = packed.map((argument) => unpack(argument, this.#line.unpacking))
    if (operation === 'open') {
      const [features, options] = args as [readonly string[], object]
      const tell: Tell = (name, event) => this.#line.tell(number, name, event)
      this.#sessions.set(number, new HostedSession(features, options, tell))
      return undefined
    }
    const session = this.#sessions.get(number) as HostedSession
    if (operation === 'close') this.#sessions.delete(number)
    return (session[operation] as (...args: readonly unknown[]) => unknown).apply(session, args)
  }
}
