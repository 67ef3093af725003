import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ManualClock } from '../../src/testing/manual-clock.ts'
import type { Answer, Line } from './case.ts'

/** A request that reached the origin, and the status it got. */
export interface Arrival {
  readonly message: IncomingMessage
  readonly status: number
}

/** A real server that answers as it is told to, on the clock of the test. */
export class Origin implements AsyncDisposable {
  readonly arrivals: Arrival[] = []
  current: Answer = { lines: [] }
  readonly #clock: ManualClock
  readonly #server = createServer((message, response) => void this.#answer(message, response))

  private constructor(clock: ManualClock) {
    this.#clock = clock
  }

  static async listen(clock: ManualClock): Promise<Origin> {
    const origin = new Origin(clock)
    await new Promise<void>((resolve) => origin.#server.listen(0, '127.0.0.1', resolve))
    return origin
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status = 200, lines, body = '', dies, takes, interim, undated } = this.current
    const held = holds(message, this.current)
    this.arrivals.push({ message, status: held ? 304 : status })
    if (takes !== undefined) await this.#clock.advance(takes * 1_000_000)
    if (dies === true) {
      response.destroy()
      return
    }
    if (interim !== undefined) response.writeEarlyHints(Object.fromEntries(interim.map(split)))
    response.sendDate = false
    const dated = undated === true || lines.some((line) => /^date:/i.test(line))
    const date = dated ? [] : ['Date', new Date(this.#clock.wallNow() / 1_000).toUTCString()]
    response.writeHead(held ? 304 : status, [...lines.flatMap(split), ...date])
    response.end(held || status === 204 || status === 304 ? undefined : body)
  }
}

/** Whether the answer is that what the sender has still holds. */
function holds({ headers }: IncomingMessage, { lines, validates }: Answer): boolean {
  if (validates !== true) return false
  const value = (name: string): string | undefined =>
    lines.map(split).find(([each]) => each.toLowerCase() === name)?.[1]
  const tags = headers['if-none-match']
  if (tags !== undefined) return tags.split(', ').includes(value('etag') ?? '')
  return headers['if-modified-since'] !== undefined && headers['if-modified-since'] === value('last-modified')
}

/** The name and the value of a line. */
export function split(line: Line): [name: string, value: string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}
