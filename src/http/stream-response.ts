import { SessionError } from '../core/errors.ts'
import { decodeText } from './charset.ts'
import { parseJson } from './json.ts'
import { HttpStatusError, ResponseHead } from './response-head.ts'

/**
 * A response whose content is still on its way: iterate over it, once, at your own pace. Leaving
 * the loop early, or `close()`, ends the exchange; `await using` does so by itself.
 */
export class StreamResponse extends ResponseHead implements AsyncIterable<Uint8Array> {
  #used = false

  /** The content as a web stream, read once. */
  get body(): ReadableStream<Uint8Array> {
    return ReadableStream.from(this)
  }

  /**
   * The content, decoded from its content codings, piece by piece.
   * @throws SessionError ERR_BODY when it was read before
   */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    if (this.#used) throw new SessionError('ERR_BODY', 'the content of a stream can be read only once')
    this.#used = true
    return this.#stream()[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>
  }

  /** The rest of the content as bytes. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  /** The rest of the content as text, decoded as {@link Response.text} does. */
  async text(): Promise<string> {
    return decodeText(await this.bytes(), this.charset)
  }

  /**
   * The rest of the content as JSON.
   * @throws SessionError ERR_JSON when it is none
   */
  async json<T = unknown>(): Promise<T> {
    return parseJson(await this.text(), this) as T
  }

  /**
   * This response, unless its status is 4xx or 5xx; then the content stays readable.
   * @throws HttpStatusError
   */
  raiseForStatus(): this {
    if (this.status >= 400) throw new HttpStatusError<StreamResponse>(this)
    return this
  }

  /** Ends the exchange; what is not read yet is lost. */
  async close(): Promise<void> {
    this.#used = true
    await this.#stream()[Symbol.asyncIterator]().return?.()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #stream(): AsyncIterable<Uint8Array> {
    return this.reply.stream as AsyncIterable<Uint8Array>
  }
}
