import { SessionError } from '../core/errors.ts'
import { decodeText } from '../http/charset.ts'
import { parseJson } from '../http/json.ts'
import { HttpStatusError, ResponseHead } from '../http/response-head.ts'
import type { StreamResponse } from '../http/stream-response.ts'
import type { Blocking } from './blocking.ts'
import { Held } from './held.ts'
import type { Remnant } from './hosted-session.ts'
import { type PortableReply, unpackReply } from './portable-response.ts'
import type { Remote } from './remote.ts'
import { remoteItems } from './remote-items.ts'

/**
 * A response whose content is still on its way: iterate over it, once, at your own pace. Leaving the loop early, or
 * `close()`, ends the exchange; `using` does so by itself.
 */
export class SyncStreamResponse
  extends ResponseHead
  implements Iterable<Uint8Array>, Disposable, Omit<Blocking<StreamResponse>, 'json'>
{
  readonly #held: Held
  #used = false

  /** @internal Use a session. */
  constructor(remote: Remote, { number, detail }: Remnant<PortableReply>) {
    super(unpackReply(detail))
    this.#held = new Held(remote, number, 'endIterator')
  }

  /**
   * The content, decoded from its content codings, piece by piece.
   * @throws SessionError ERR_BODY when it was read before
   */
  [Symbol.iterator](): Generator<Uint8Array, void, undefined> {
    if (this.#used) throw new SessionError('ERR_BODY', 'the content of a stream can be read only once')
    this.#used = true
    return remoteItems(this.#held, 1) as Generator<Uint8Array, void, undefined>
  }

  /** The rest of the content as bytes. */
  bytes(): Uint8Array<ArrayBuffer> {
    return Buffer.concat([...this])
  }

  /** The rest of the content as text, by its charset, else its byte order mark, else UTF-8. */
  text(): string {
    return decodeText(this.bytes(), this.charset)
  }

  /**
   * The rest of the content as JSON.
   * @throws SessionError ERR_JSON when it is none
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller’s own word for what is in there
  json<T = unknown>(): T {
    return parseJson(this.text(), this) as T
  }

  /**
   * This response, unless its status is 4xx or 5xx; then the content stays readable.
   * @throws HttpStatusError
   */
  raiseForStatus(): this {
    if (this.status >= 400) throw new HttpStatusError<SyncStreamResponse>(this)
    return this
  }

  /** Ends the exchange; what is not read yet is lost. */
  close(): void {
    this.#used = true
    this.#held.end('endIterator')
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
