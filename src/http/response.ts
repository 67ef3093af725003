import type { StandardSchemaV1 } from '@standard-schema/spec'
import { SessionError } from '../core/errors.ts'
import { emptyBody, type Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import { decodeText } from './charset.ts'
import { decodeTextOnce } from './decoded-text.ts'
import { parseJson, validate } from './json.ts'
import { HttpStatusError, ResponseHead } from './response-head.ts'
import { deserializeReply, serializeReply } from './response-format.ts'

/** What a response carries beside its reply. */
export interface ResponseExtras {
  /** Why no response came. */
  readonly error?: SessionError | undefined
  /** What the callbacks returned, in their order. */
  readonly callbacks?: readonly unknown[] | undefined
}

/**
 * A response that was read to its end: an immutable snapshot, so its accessors are plain values
 * and may be used again and again. (`await response.json()` works too.)
 */
export class Response extends ResponseHead {
  readonly #extras: ResponseExtras
  #history: readonly Response[] | undefined

  /** @internal Use a session; or {@link Response.deserialize}. */
  constructor(reply: Reply, extras: ResponseExtras = {}) {
    super(reply)
    this.#extras = extras
  }

  /** @internal The response that stands for none: status 0, `error` set. */
  static networkError(request: Request, error: SessionError, endedAt: number): Response {
    const timings = { sentAt: endedAt, writtenAt: endedAt, answeredAt: endedAt, endedAt }
    return new Response(
      {
        request,
        status: 0,
        statusText: '',
        headers: [],
        body: emptyBody,
        stream: undefined,
        httpVersion: '',
        timings,
        history: [],
        attempts: 0,
        cacheStatus: undefined,
      },
      { error },
    )
  }

  /**
   * The content as JSON, validated when a Standard Schema is given.
   * @throws SessionError ERR_JSON when it is not JSON, ERR_SCHEMA when it does not match
   */
  json<Schema extends StandardSchemaV1>(schema: Schema): StandardSchemaV1.InferOutput<Schema>
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller’s own word for what is in there
  json<T = unknown>(): T
  json(schema?: StandardSchemaV1): unknown {
    if (this.error !== undefined) throw this.error
    const value = parseJson(this.text(), this)
    return schema === undefined ? value : validate(value, schema)
  }

  /** The content as text, by its charset, else its byte order mark, else UTF-8. */
  text(): string {
    const { body, cacheStatus } = this.reply
    return cacheStatus?.hit === true ? decodeTextOnce(body, this.charset) : decodeText(body, this.charset)
  }

  /** The content’s bytes, decoded from its content codings: a copy, yours to change. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.reply.body)
  }

  /** The responses that redirected here, first one first. */
  get history(): readonly Response[] {
    this.#history ??= Object.freeze(this.reply.history.map((reply) => new Response(reply)))
    return this.#history
  }

  /** What the callbacks returned, in their order; undefined unless `returnCallbacks`. */
  get callbacks(): readonly unknown[] | undefined {
    return this.#extras.callbacks
  }

  /** Why no response came; undefined when one did. */
  get error(): SessionError | undefined {
    return this.#extras.error
  }

  /**
   * This response, unless its status is 4xx or 5xx, or it never came.
   * @throws HttpStatusError, or the network error
   */
  raiseForStatus(): this {
    if (this.error !== undefined) throw this.error
    if (this.status >= 400) throw new HttpStatusError<Response>(this)
    return this
  }

  /** @internal The same response with its callbacks’ results. */
  withCallbacks(callbacks: readonly unknown[]): Response {
    return new Response(this.reply, { ...this.#extras, callbacks: Object.freeze(callbacks) })
  }

  /**
   * Everything but callbacks as bytes, for a file or another process. Versioned; the request’s
   * Authorization, Proxy-Authorization and Cookie fields are left out.
   */
  serialize(): Uint8Array<ArrayBuffer> {
    return serializeReply(this.reply, this.error)
  }

  /**
   * A response from what `serialize` made.
   * @throws SessionError ERR_FORMAT when it is damaged or of another version
   */
  static deserialize(bytes: Uint8Array): Response {
    const { reply, error } = deserializeReply(bytes)
    return new Response(reply, { error })
  }
}
