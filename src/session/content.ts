import { describe } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { RequestBody } from '../core/request.ts'
import type { MaybePromise } from '../backends/contract.ts'
import { entriesOf, sentText } from './entries.ts'
import { type BodyStream, streamBody } from './stream-body.ts'
import type { ParamValue } from './target.ts'

/** The fields of a form, as in `params`. */
export type FormOption =
  | Readonly<Record<string, ParamValue | readonly ParamValue[]>>
  | Iterable<readonly [string, ParamValue]>
  | FormData

/** Content as it is. Streams are read once: such a request cannot be replayed. */
export type BodyOption =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | FormData
  | URLSearchParams
  | ReadableStream<Uint8Array>
  | BodyStream

/** The content options of a request; at most one of them. */
export interface ContentOptions {
  /** Sent as JSON, `application/json`. */
  readonly json?: unknown
  /** Sent as `application/x-www-form-urlencoded`; a `FormData` as `multipart/form-data`. */
  readonly form?: FormOption
  /** Sent as it is: text as UTF-8, bytes, `FormData` as multipart, or a stream. */
  readonly body?: BodyOption
}

/** A request’s content with the Content-Type it should have. */
export interface Content {
  readonly body: RequestBody
  readonly type: string | undefined
}

const encoder = new TextEncoder()

/**
 * What to send, if anything. A promise only for `FormData` and `Blob`.
 * @throws OptionError when several are given, or one cannot be sent
 */
export function toContent(options: ContentOptions): MaybePromise<Content | undefined> {
  const { json, form, body } = options
  if (json === undefined && form === undefined && body === undefined) return undefined
  const given = (['json', 'form', 'body'] as const).filter((name) => options[name] !== undefined)
  if (given.length > 1) throw new OptionError(`${given.join(' and ')} exclude each other; give one of them`)
  if (json !== undefined) return jsonContent(json)
  if (form !== undefined) return formContent(form)
  return bodyContent(body as BodyOption)
}

function jsonContent(value: unknown): Content {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw new OptionError(`json: the value cannot be written as JSON: ${(cause as Error).message}`, { cause })
  }
  if (text === undefined) throw new OptionError(`json: ${describe(value)} cannot be written as JSON`)
  return bytes(encoder.encode(text), 'application/json')
}

function formContent(form: FormOption): MaybePromise<Content> {
  if (form instanceof FormData) return encoded(form)
  const fields = new URLSearchParams()
  for (const [name, given] of entriesOf<ParamValue | readonly ParamValue[]>(form, 'form')) {
    for (const value of Array.isArray(given) ? (given as readonly ParamValue[]) : [given as ParamValue]) {
      if (value !== null && value !== undefined) fields.append(name, sentText(value, `form.${name}`))
    }
  }
  return bytes(encoder.encode(fields.toString()), 'application/x-www-form-urlencoded')
}

function bodyContent(body: BodyOption): MaybePromise<Content> {
  if (typeof body === 'string') return bytes(encoder.encode(body), 'text/plain;charset=UTF-8')
  if (body instanceof Uint8Array) return bytes(body, undefined)
  if (body instanceof ArrayBuffer) return bytes(new Uint8Array(body), undefined)
  if (body instanceof URLSearchParams) return formContent(body)
  if (body instanceof FormData || body instanceof Blob) return encoded(body)
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) {
    return { body: streamBody(body), type: undefined }
  }
  throw new OptionError(
    `body: ${describe(body)} cannot be sent; give text, bytes, FormData or a stream, or use json: or form:`,
  )
}

/** Multipart and blobs, as the platform encodes them. */
async function encoded(body: FormData | Blob): Promise<Content> {
  const carrier = new globalThis.Response(body)
  const type = carrier.headers.get('content-type') ?? undefined
  return bytes(new Uint8Array(await carrier.arrayBuffer()), type)
}

function bytes(content: Uint8Array, type: string | undefined): Content {
  return { body: { kind: 'bytes', bytes: content }, type }
}
