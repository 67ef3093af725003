import type { IncomingMessage } from 'node:http'
import type { Microseconds } from '../../core/duration.ts'
import type { FieldList } from '../../core/field-list.ts'

/** One request as the server saw it. */
export class Arrival {
  /** When its head was read: microseconds of a monotonic clock that all processes of the machine share. */
  readonly at: Microseconds
  readonly method: string
  /** The request target: path and query. */
  readonly path: string
  /** The header fields as they came. */
  readonly rawHeaders: FieldList

  constructor(at: Microseconds, method: string, path: string, rawHeaders: FieldList) {
    this.at = at
    this.method = method
    this.path = path
    this.rawHeaders = rawHeaders
  }

  /** Header fields by lower-cased name; the values of a repeated field are joined with a comma. */
  get headers(): Readonly<Record<string, string>> {
    return Object.fromEntries(joinFields(this.rawHeaders, (name) => name.toLowerCase()))
  }
}

/** How much of each arrival is kept: all of it, only its instant, or nothing but the count. */
export type ArrivalLogging = boolean | 'instants'

/** What arrived, in order. Costs one small object a request, or eight bytes, or nothing. */
export class ArrivalLog {
  readonly #logging: ArrivalLogging
  #arrivals: Arrival[] = []
  #instants: Microseconds[] = []
  #count = 0

  constructor(logging: ArrivalLogging) {
    this.#logging = logging
  }

  get arrivals(): readonly Arrival[] {
    return this.#arrivals
  }

  get instants(): readonly Microseconds[] {
    return this.#logging === true ? this.#arrivals.map(({ at }) => at) : this.#instants
  }

  get count(): number {
    return this.#count
  }

  add(request: IncomingMessage): void {
    this.#count++
    if (this.#logging === false) return
    const at = Number(process.hrtime.bigint() / 1_000n)
    if (this.#logging === 'instants') this.#instants.push(at)
    else
      this.#arrivals.push(
        new Arrival(at, request.method as string, request.url as string, request.rawHeaders),
      )
  }

  clear(): void {
    this.#arrivals = []
    this.#instants = []
    this.#count = 0
  }
}

/** Fields under their renamed names; the values of a repeated one joined with a comma (RFC 9110, 5.3). */
export function joinFields(fields: FieldList, rename: (name: string) => string): Map<string, string> {
  const joined = new Map<string, string>()
  for (let i = 0; i < fields.length; i += 2) {
    const name = rename(fields[i] as string)
    const before = joined.get(name)
    joined.set(name, before === undefined ? (fields[i + 1] as string) : `${before}, ${fields[i + 1]}`)
  }
  return joined
}
