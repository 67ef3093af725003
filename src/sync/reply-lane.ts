import { Response } from '../http/response.ts'
import { KnownHeads } from './known-heads.ts'
import { Lane } from './lane.ts'
import {
  packShort,
  replyOf,
  type ReplyHead,
  type ReplyTimes,
  type UnpackedHead,
  unpackHead,
} from './portable-response.ts'
import type { Reply } from './protocol.ts'

/*
 * The lane from the worker to the calling thread. JSON of a head takes a third of the time of a hit of the cache, and
 * mostly it is the head of the last time. So both ends remember the last heads that were sent in full, by
 * their numbers, and the worker says which one it is. What is the same, and so what a response says,
 * only the worker decides: it compares all of a head with what it has sent.
 */

/** A short reply in JSON: a packed value, or the head of a response. The text is empty for a head that was sent before. */
type ShortReply = readonly [value: unknown] | ReplyHead

/** What goes along with it. */
type Numbers = readonly [id: number, head: number, ...times: ReplyTimes]

/** The worker’s end. */
export class ReplyWriter {
  readonly #lane: Lane
  readonly #sent: KnownHeads<ReplyHead>
  /** The number of the last head of each URL. */
  readonly #numbers = new Map<string, number>()

  /** @param most as for {@link KnownHeads}: the same at both ends */
  constructor(memory: SharedArrayBuffer, most?: number) {
    this.#lane = new Lane(memory)
    this.#sent = new KnownHeads(most)
  }

  /** @returns whether it was short enough */
  writeValue(id: number, packed: unknown): boolean {
    this.#lane.numbers[0] = id
    return this.#lane.write(JSON.stringify([packed] satisfies ShortReply))
  }

  /** @returns whether it was short and plain enough */
  writeResponse(id: number, response: Response): boolean {
    const short = packShort(response)
    if (short === undefined) return false
    const { head, times, body } = short
    const before = this.#numbers.get(head[1])
    const isKnown = before !== undefined && isSame(head, this.#sent.get(before))
    const text = isKnown ? '' : JSON.stringify(head)
    this.#lane.numbers.set([id, isKnown ? before : this.#sent.next, ...times] satisfies Numbers)
    if (!this.#lane.write(text, body)) return false
    if (!isKnown) this.#remember(head, text.length)
    return true
  }

  #remember(head: ReplyHead, size: number): void {
    this.#numbers.set(head[1], this.#sent.next)
    this.#sent.add(head, size, ([, url], number) => {
      if (this.#numbers.get(url) === number) this.#numbers.delete(url)
    })
  }
}

/** The calling thread’s end. */
export class ReplyReader {
  readonly #lane: Lane
  readonly #heads: KnownHeads<UnpackedHead>

  constructor(memory: SharedArrayBuffer, most?: number) {
    this.#lane = new Lane(memory)
    this.#heads = new KnownHeads(most)
  }

  /** Takes the reply that lies here, if there is one. */
  read(): Reply | undefined {
    const short = this.#lane.read()
    if (short === undefined) return undefined
    const [id, number, ...times] = this.#lane.numbers as unknown as Numbers
    if (short.text !== '') {
      const parsed = JSON.parse(short.text) as ShortReply
      if (parsed.length === 1) return { id, value: parsed[0] }
      this.#heads.add(unpackHead(parsed), short.text.length)
    }
    return { id, value: new Response(replyOf(this.#heads.get(number) as UnpackedHead, times, short.bytes)) }
  }
}

/** Whether two values, such as JSON has, are the same. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one)) {
    return (
      Array.isArray(other) && one.length === other.length && one.every((each, i) => isSame(each, other[i]))
    )
  }
  if (Array.isArray(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSame(one[name as never], other[name as never]))
  )
}
