import { type ClientAddress, type CreateClient, inBytes, type LibraryClient } from './client-library.ts'
import { type Command, type Link, toWords } from './client-link.ts'
import type { RedisReply } from './commands.ts'
import { Deadlines } from './connection-deadline.ts'
import { backendError, replyCode, toBackendError } from './connection-errors.ts'

/** How long it may take to connect, with TLS and logging in. */
const patience = 2_000 // ms

/** The pauses between attempts to connect: doubled from the first to the longest, and then up to a half less. */
const firstPause = 50 // ms
const longestPause = 1_000 // ms

/** A client that is connected, or was. */
interface Live {
  readonly client: LibraryClient
  /** Why it was given up. */
  lost?: Error
}

/**
 * A connection of our own to one server, made when it is needed and not there: nothing goes on in between, so that
 * an idle one neither keeps the process alive nor knocks at a server that is away. A server that falls silent is as
 * good as gone: its connection is given up, and the next call makes another.
 */
export class Connection implements Link {
  readonly name: string
  readonly keyPrefix = ''
  readonly clustered = false
  readonly #address: ClientAddress
  readonly #create: CreateClient
  readonly #deadlines = new Deadlines()
  #live: Live | undefined
  #connecting: Promise<Live> | undefined
  /** Failed attempts since the last answer. */
  #failures = 0
  /** Not to be tried again before that; `#failure` is why. */
  #retryAt = 0
  #failure: unknown
  /** Counts answers, so that a silence can be told from a long queue. */
  #answers = 0
  #underWay = 0
  /** Set once it is closed: called when nothing is under way any more. */
  #finish: (() => void) | undefined

  constructor(address: ClientAddress, create: CreateClient) {
    const { socket } = address
    this.name = `Redis at ${'path' in socket ? socket.path : `${socket.host}:${socket.port}`}`
    this.#address = address
    this.#create = create
  }

  /** @param asking whether the node is to answer for a slot that is just moving to it */
  send(command: Command, bytes: boolean, deadline: number, asking = false): Promise<RedisReply> {
    return this.#live?.client.isReady
      ? this.#exchange(this.#live, command, bytes, deadline, asking)
      : this.#sendOnceConnected(command, bytes, deadline, asking)
  }

  masters(): Promise<readonly Link[]> {
    return Promise.resolve([this])
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#finish = resolve
      if (this.#underWay === 0) resolve()
    })
    this.#live?.client.destroy()
    this.#live = undefined
  }

  async #sendOnceConnected(
    command: Command,
    bytes: boolean,
    deadline: number,
    asking: boolean,
  ): Promise<RedisReply> {
    this.#underWay++
    try {
      const live = await this.#connected(deadline)
      return await this.#exchange(live, command, bytes, deadline, asking)
    } finally {
      this.#ended()
    }
  }

  /** No async function, as each call goes through it: see `ClientCommands`. */
  #exchange(
    live: Live,
    command: Command,
    bytes: boolean,
    deadline: number,
    asking: boolean,
  ): Promise<RedisReply> {
    const answers = this.#answers
    let reply: Promise<unknown>
    try {
      if (asking) live.client.sendCommand(['ASKING']).catch(ignore) // then so does what is asked for
      reply = live.client.sendCommand(toWords(command), bytes ? inBytes : undefined)
    } catch (cause) {
      return Promise.reject(this.#failed(live, cause))
    }
    this.#underWay++
    return this.#deadlines.within(reply as Promise<RedisReply>, deadline, {
      late: () => this.#timeout(live, answers),
      answered: () => {
        this.#hear()
        this.#ended()
      },
      failed: (cause) => {
        this.#ended()
        return this.#failed(live, cause)
      },
    })
  }

  /** @returns what whoever called is told of a failure */
  #failed(live: Live, cause: unknown): Error {
    const error = live.lost ?? toBackendError(this.name, cause)
    const code = replyCode(error)
    if (code !== undefined) this.#hear()
    // It stays a replica, but its name may lead to another server next time
    if (code === 'READONLY' && live.lost === undefined) this.#pause(this.#giveUp(live, error))
    return error
  }

  /** Something that was under way has ended. */
  #ended(): void {
    this.#underWay--
    if (this.#underWay === 0) this.#finish?.()
  }

  #connected(deadline: number): Promise<Live> {
    const late = (): Error => backendError(this.name, 'cannot be reached in time')
    return this.#deadlines.within(this.#connect(), deadline, { late })
  }

  #connect(): Promise<Live> {
    if (this.#finish !== undefined) return Promise.reject(backendError(this.name, 'is closed'))
    if (this.#connecting !== undefined) return this.#connecting
    if (performance.now() < this.#retryAt) return Promise.reject(this.#failure)
    this.#connecting = this.#open().finally(() => (this.#connecting = undefined))
    return this.#connecting
  }

  async #open(): Promise<Live> {
    const attempt = new AbortController()
    const client = this.#create(this.#address, attempt.signal)
    client.on('error', ignore) // who has a call under way hears of it there
    client.unref() // it is the deadline of a call that keeps the process alive
    const giveUp = (): void => {
      attempt.abort(new Error(`no connection within ${patience} ms`))
      client.destroy() // it may be logging in already
    }
    const limit = setTimeout(giveUp, patience).unref()
    try {
      await client.connect()
      if (this.#finish !== undefined) throw backendError(this.name, 'is closed')
      return (this.#live = { client })
    } catch (cause) {
      client.destroy()
      const error = toBackendError(this.name, attempt.signal.aborted ? attempt.signal.reason : cause)
      this.#pause(error)
      throw error
    } finally {
      clearTimeout(limit)
    }
  }

  #hear(): void {
    this.#answers++
    this.#failures = 0
  }

  /** @param answers how many there were when the call was sent */
  #timeout(live: Live, answers: number): Error {
    const error = backendError(this.name, 'does not answer in time')
    return answers === this.#answers ? this.#giveUp(live, error) : error
  }

  /** Ends what is under way there with the same error. */
  #giveUp(live: Live, error: Error): Error {
    live.lost = error
    live.client.destroy()
    return error
  }

  #pause(error: Error): void {
    const pause = Math.min(firstPause * 2 ** this.#failures++, longestPause)
    this.#retryAt = performance.now() + pause * (1 - Math.random() / 2)
    this.#failure = error
  }
}

function ignore(): void {}
