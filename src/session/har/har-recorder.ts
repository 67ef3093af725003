import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { SessionError } from '../../core/errors.ts'
import type { FieldList } from '../../core/field-list.ts'
import type { Middleware, Next, Reply } from '../../core/reply.ts'
import type { Request } from '../../core/request.ts'
import type { Har } from '../../http/har/har.ts'
import {
  type RecordedExchange,
  type RecordedReply,
  type RecordedRequest,
  toHarEntry,
} from '../../http/har/har-entry.ts'
import { RecordedStream } from './recorded-stream.ts'
import { version } from '../version.ts'
import type { HarOptions } from './har-options.ts'

/** An exchange while it is recorded. */
interface Recording extends RecordedExchange {
  request: RecordedRequest
  endedAt: Microseconds | undefined
  reply: RecordedReply | undefined
  content: Uint8Array | number | undefined
  error: SessionError | undefined
  /** About as many bytes as it takes. */
  cost: number
}

/** What an entry takes beside its texts and contents, about. */
const entryCost = 1_000

/**
 * Records every request that the caller made, every hop of a redirect, and what came of it: with the fields as they
 * were sent, and contents decoded. It belongs right below the redirects.
 */
export class HarRecorder {
  readonly middleware: Middleware = (request, next) => this.#record(request, next)
  readonly #clock: Clock
  readonly #options: Required<HarOptions>
  /** Oldest first. */
  readonly #recordings = new Set<Recording>()
  #cost = 0
  #dropped = 0

  constructor(options: Required<HarOptions>, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** What was recorded so far, but for what is still waiting for an answer. */
  toHar(): Har {
    const over = [...this.#recordings].filter(({ reply, error }) => (reply ?? error) !== undefined)
    return {
      log: {
        version: '1.2',
        creator: { name: 'http-sessions', version },
        pages: [],
        entries: over.map((recording) => toHarEntry(recording, this.#options.redact)),
        ...(this.#dropped === 0 ? {} : { comment: `${this.#dropped} earlier ones are not kept` }),
      },
    }
  }

  async #record(request: Request, next: Next): Promise<Reply> {
    const recording: Recording = {
      request: this.#toRequest(request),
      startedAtWall: this.#clock.wallNow(),
      startedAt: this.#clock.now(),
      endedAt: undefined,
      reply: undefined,
      content: undefined,
      error: undefined,
      cost: 0,
    }
    this.#recordings.add(recording)
    try {
      return this.#answered(recording, await next(request))
    } catch (error) {
      recording.endedAt = this.#clock.now()
      if (error instanceof SessionError) recording.error = error
      else this.#drop(recording)
      throw error
    } finally {
      this.#charge(recording, costOf(recording))
    }
  }

  #answered(recording: Recording, reply: Reply): Reply {
    const { status, statusText, headers, httpVersion, timings, attempts, cacheStatus } = reply
    recording.reply = { status, statusText, headers, httpVersion, timings, attempts, cacheStatus }
    // as it was sent in the end, with cookies and credentials
    recording.request = this.#toRequest(reply.request)
    if (reply.stream === undefined) {
      recording.endedAt = timings.endedAt
      recording.content = this.#kept(reply.body)
      return reply
    }
    const most = this.#options.content ? this.#mostContent : 0
    const stream = new RecordedStream(reply.stream, most, (content) => {
      recording.endedAt = this.#clock.now()
      recording.content = content
      this.#charge(recording, content.byteLength)
    })
    return { ...reply, stream }
  }

  #toRequest({ method, url, headers, body }: Request): RecordedRequest {
    if (body === undefined) return { method, url, headers, body: 0 }
    return { method, url, headers, body: body.kind === 'bytes' ? this.#kept(body.bytes) : -1 }
  }

  /** A copy, since what is handed in may be changed later, or be a small part of something large. */
  #kept(content: Uint8Array): Uint8Array | number {
    const keeps = this.#options.content && content.byteLength <= this.#mostContent
    return keeps ? new Uint8Array(content) : content.byteLength
  }

  get #mostContent(): number {
    return this.#options.limit / 8
  }

  #charge(recording: Recording, cost: number): void {
    if (!this.#recordings.has(recording)) return
    recording.cost += cost
    this.#cost += cost
    for (const oldest of this.#recordings) {
      if (this.#cost <= this.#options.limit) return
      this.#drop(oldest)
      this.#dropped += 1
    }
  }

  #drop(recording: Recording): void {
    if (this.#recordings.delete(recording)) this.#cost -= recording.cost
  }
}

function costOf({ request, reply, content }: Recording): number {
  const texts = request.url.href.length + lengthOf(request.headers) + lengthOf(reply?.headers ?? [])
  return entryCost + texts + bytesOf(request.body) + bytesOf(content ?? 0)
}

function lengthOf(fields: FieldList): number {
  return fields.reduce((sum, { length }) => sum + length, 0)
}

function bytesOf(content: Uint8Array | number): number {
  return typeof content === 'number' ? 0 : content.byteLength
}
