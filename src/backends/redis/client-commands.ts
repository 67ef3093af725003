import { SessionError } from '../../core/errors.ts'
import type { Command, Link } from './client-link.ts'
import { slotOf } from './cluster-slots.ts'
import type { CacheCommands, RedisReply, Script } from './commands.ts'
import { mistakeInLogin, replyCode } from './connection-errors.ts'

/** Keys per page of SCAN, about, and per UNLINK. */
const pageSize = 1_000

/** Commands under way at once when keys are removed slot by slot. */
const mostAtOnce = 100

/** Makes the link. It is no call: what it does has limits of its own. @param lost to be called when another one is needed */
export type OpenLink = (lost: () => void) => Promise<Link>

/** {@link CacheCommands} over a link that is opened when it is first needed. */
export class ClientCommands implements CacheCommands {
  readonly #open: OpenLink
  readonly #timeout: number
  #link: Link | undefined
  #opening: Promise<Link> | undefined
  #closed = false
  /** Whether it has ever answered, or failed for another reason: a login that is refused from then on was not wrong from the beginning. */
  #isKnown = false

  /** @param timeout how long one call may take, in milliseconds */
  constructor(open: OpenLink, timeout: number) {
    this.#open = open
    this.#timeout = timeout
  }

  get clustered(): boolean | undefined {
    return this.#link?.clustered
  }

  /** No async function, which takes a turn of the microtasks for each promise that it waits for. */
  evaluate(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<RedisReply> {
    const link = this.#link
    if (link === undefined) return this.#opened().then((opened) => this.#evaluate(opened, script, keys, args))
    return this.#evaluate(link, script, keys, args)
  }

  #evaluate(
    link: Link,
    script: Script,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<RedisReply> {
    const deadline = this.#deadline()
    const count = String(keys.length)
    const command: Command = { name: 'EVALSHA', head: [script.sha1, count], keys, args }
    const reply = link.send(command, false, deadline).catch((error: unknown) => {
      if (replyCode(error) !== 'NOSCRIPT') throw error
      return link.send({ ...command, name: 'EVAL', head: [script.source, count] }, false, deadline)
    })
    return this.#isKnown ? reply : this.#first(reply)
  }

  async command(
    name: string,
    keys: readonly string[],
    args: readonly (string | Buffer)[] = [],
  ): Promise<RedisReply> {
    const link = this.#link ?? (await this.#opened())
    return this.#first(link.send({ name, head: [], keys, args }, true, this.#deadline()))
  }

  partOf(key: () => string): string | undefined {
    return this.#link?.partOf?.(key())
  }

  async *scan(prefix: string): AsyncGenerator<readonly string[], void, undefined> {
    const link = this.#link ?? (await this.#opened())
    const pattern = `${escapePattern(link.keyPrefix + prefix)}*`
    const masters = link.masters(this.#deadline()).catch((error: unknown) => {
      throw this.#judged(error)
    })
    for (const master of await masters) {
      let cursor = '0'
      do {
        const head = [cursor, 'MATCH', pattern, 'COUNT', String(pageSize)]
        const command: Command = { name: 'SCAN', head, keys: [], args: [] }
        const reply = await this.#first(master.send(command, false, this.#deadline()))
        const [next, keys] = reply as [string | number, readonly string[]]
        cursor = String(next)
        if (keys.length > 0) yield keys.map((key) => key.slice(link.keyPrefix.length))
      } while (cursor !== '0')
    }
  }

  async unlink(keys: readonly string[]): Promise<number> {
    const link = this.#link ?? (await this.#opened())
    const commands = groups(link, keys).map((group): Command => {
      return { name: 'UNLINK', head: [], keys: group, args: [] }
    })
    let removed = 0
    for (const some of pages(commands, mostAtOnce)) {
      const replies = some.map((command) => link.send(command, false, this.#deadline()))
      for (const reply of await Promise.all(replies)) removed += Number(reply)
    }
    return removed
  }

  /** Lets calls under way end, each by its deadline; later ones are refused. */
  async close(): Promise<void> {
    this.#closed = true
    const link = this.#link ?? (await this.#opening?.catch(() => undefined)) // who has asked for it hears of it
    this.#link = undefined
    await link?.close()
  }

  /** What may be the first answer. */
  async #first<T>(reply: Promise<T>): Promise<T> {
    try {
      const answer = await reply
      this.#isKnown = true
      return answer
    } catch (error) {
      throw this.#judged(error)
    }
  }

  /** An error, or the mistake that it comes from: a login that was refused before anything else was heard. */
  #judged(error: unknown): unknown {
    const mistake = this.#isKnown ? undefined : mistakeInLogin(error)
    if (mistake === undefined) this.#isKnown = true
    return mistake ?? error
  }

  #deadline(): number {
    return performance.now() + this.#timeout
  }

  async #opened(): Promise<Link> {
    if (this.#closed) throw new SessionError('ERR_CLOSED', 'the Redis backend is closed')
    this.#opening ??= this.#start().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #start(): Promise<Link> {
    let link: Link | undefined
    let lost = false
    link = await this.#open(() => {
      lost = true
      if (this.#link === link) this.#link = undefined
    })
    if (!this.#closed && !lost) this.#link = link
    return link
  }
}

/** Lists of keys that may stand in one command. */
function groups(link: Link, keys: readonly string[]): (readonly string[])[] {
  if (!link.clustered) return pages(keys, pageSize)
  const slots = Map.groupBy(keys, (key) => slotOf(link.keyPrefix + key))
  return [...slots.values()].flatMap((group) => pages(group, pageSize))
}

function pages<T>(items: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, page) =>
    items.slice(page * size, (page + 1) * size),
  )
}

/** A text as SCAN’s MATCH takes it literally. */
function escapePattern(text: string): string {
  return text.replaceAll(/[\\*?[\]^]/g, String.raw`\$&`)
}
