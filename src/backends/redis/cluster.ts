import type { Command, Link } from './client-link.ts'
import { type Redirect, readRedirect, readSlots, type SlotRange, slotCount, slotOf } from './cluster-slots.ts'
import type { RedisReply } from './commands.ts'
import type { Connection } from './connection.ts'
import { Deadlines } from './connection-deadline.ts'
import { backendError, replyCode } from './connection-errors.ts'

/** Where a node of a cluster listens. */
export interface ClusterNode {
  readonly host: string
  readonly port: number
}

/** A node and the connection to it. */
interface Member {
  readonly node: ClusterNode
  readonly connection: Connection
}

/** As often as a command is sent on to another node before it fails. */
const mostRedirects = 8

/** As many nodes are asked at once who serves which slots: one may be frozen, another may be gone. */
const witnesses = 3

/** Between two looks at who serves which slots, as long as the last one was worth something. */
const lookPause = 100 // ms

const whoServes: Command = { name: 'CLUSTER', head: ['SLOTS'], keys: [], args: [] }

/** A Redis Cluster, over one connection of our own to each node that is needed. */
export class Cluster implements Link {
  readonly name: string
  readonly keyPrefix = ''
  readonly clustered = true
  readonly #roots: readonly ClusterNode[]
  readonly #connect: (node: ClusterNode) => Connection
  readonly #patience: number
  readonly #deadlines = new Deadlines()
  readonly #members = new Map<string, Member>()
  #masters: readonly Member[] = []
  /** The master of each slot. */
  #owners: (Member | undefined)[] = []
  #looking: Promise<void> | undefined
  #lookedAt = -Infinity
  #closed = false

  /**
   * @param roots nodes to ask first
   * @param connect makes a connection to a node
   * @param patience how long nodes have to say who serves which slots, in milliseconds
   */
  constructor(roots: readonly ClusterNode[], connect: (node: ClusterNode) => Connection, patience: number) {
    this.name = `the Redis Cluster of ${roots.map(toAddress).join(', ')}`
    this.#roots = roots
    this.#connect = connect
    this.#patience = patience
  }

  async send(command: Command, bytes: boolean, deadline: number): Promise<RedisReply> {
    const [key] = command.keys
    if (this.#masters.length === 0) await this.#firstLook(deadline)
    let member = this.#serving(key === undefined ? undefined : slotOf(key))
    let asking = false
    for (let redirects = 0; ; redirects++) {
      try {
        return await member.connection.send(command, bytes, deadline, asking)
      } catch (error) {
        const redirect = redirects < mostRedirects ? toRedirect(error) : undefined
        if (redirect === undefined) {
          if (mayHaveMoved(error)) this.#lookAgain()
          throw error
        }
        asking = redirect.kind === 'ASK'
        member = this.#follow(redirect, member)
      }
    }
  }

  partOf(key: string): string | undefined {
    const owner = this.#owners[slotOf(key)]
    return owner === undefined ? undefined : toAddress(owner.node)
  }

  async masters(deadline: number): Promise<readonly Link[]> {
    await this.#firstLook(deadline)
    return this.#masters.map(({ connection }) => connection)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#members.values().map(({ connection }) => connection.close()))
  }

  /** The master of a slot, or just any. */
  #serving(slot: number | undefined): Member {
    const member = slot === undefined ? this.#masters[0] : this.#owners[slot]
    if (member !== undefined) return member
    this.#lookAgain()
    throw backendError(this.name, slot === undefined ? 'has no slots yet' : `has no master for slot ${slot}`)
  }

  #follow({ kind, slot, host, port }: Redirect, from: Member): Member {
    const member = this.#member({ host: host === '' ? from.node.host : host, port })
    if (kind === 'MOVED') {
      this.#owners[slot] = member
      this.#lookAgain() // where one slot went, others may have gone
    }
    return member
  }

  #member(node: ClusterNode): Member {
    if (this.#closed) throw backendError(this.name, 'is closed')
    const address = toAddress(node)
    const member = this.#members.get(address) ?? { node, connection: this.#connect(node) }
    this.#members.set(address, member)
    return member
  }

  #firstLook(deadline: number): Promise<void> {
    if (this.#masters.length > 0) return Promise.resolve()
    const late = (): Error => backendError(this.name, 'cannot be reached in time')
    return this.#deadlines.within(this.#look(), deadline, { late })
  }

  /** Looks who serves which slots, while calls go on by what was known. */
  #lookAgain(): void {
    if (this.#closed || performance.now() - this.#lookedAt < lookPause) return
    this.#look().catch(() => undefined) // the next call that fails has it look again
  }

  #look(): Promise<void> {
    this.#looking ??= this.#ask().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #ask(): Promise<void> {
    const known = [...this.#roots.map((node) => this.#member(node)), ...this.#masters]
    const deadline = performance.now() + this.#patience
    const answers = shuffle([...new Set(known)])
      .slice(0, witnesses)
      .map(async ({ node, connection }) =>
        readSlots(await connection.send(whoServes, false, deadline), node.host),
      )
    try {
      this.#learn(await Promise.any(answers))
      this.#lookedAt = performance.now()
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error
    }
  }

  #learn(ranges: readonly SlotRange[]): void {
    const owners = Array.from<Member | undefined>({ length: slotCount })
    for (const { from, to, host, port } of ranges) owners.fill(this.#member({ host, port }), from, to + 1)
    this.#owners = owners
    this.#masters = [...new Set(ranges.map((range) => this.#member(range)))]
    const needed = new Set([...this.#roots, ...ranges].map(toAddress))
    for (const [address, { connection }] of this.#members) {
      if (needed.has(address)) continue
      this.#members.delete(address)
      void connection.close()
    }
  }
}

/** Whether the slot may have another master by now: nobody answered, or one that is none. */
function mayHaveMoved(error: unknown): boolean {
  return [undefined, 'CLUSTERDOWN', 'MASTERDOWN', 'READONLY'].includes(replyCode(error))
}

function toRedirect(error: unknown): Redirect | undefined {
  return replyCode(error) === undefined ? undefined : readRedirect(((error as Error).cause as Error).message)
}

function toAddress({ host, port }: ClusterNode): string {
  return `${host}:${port}`
}

/** In random order, so that a frozen node is not asked for ever. */
function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ item }) => item)
}
