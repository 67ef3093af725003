import { SessionError } from '../core/errors.ts'

/**
 * A batch with failures in it, or one that was stopped: by its signal, or by the iterable of URLs throwing.
 * Nothing that finished is lost: it is in `responses`. `cause` is the first error.
 *
 * @example
 * try {
 *   await session.requests(urls, { raiseErrors: true })
 * } catch (error) {
 *   if (error instanceof BatchError) console.log(error.errors.length, 'failed of', error.responses.length)
 * }
 */
export class BatchError<Response = unknown> extends SessionError {
  override readonly name = 'BatchError'
  /**
   * Every request that was made, in input order, those that failed as their network-error responses. Empty
   * when the batch was iterated, which has delivered them already.
   */
  readonly responses: readonly Response[]
  /** Why requests failed, in the order of their finishing. An iterated batch keeps the first 1,000. */
  readonly errors: readonly Error[]

  constructor(message: string, responses: readonly Response[], errors: readonly Error[], cause: unknown) {
    super('ERR_BATCH', message, { cause })
    this.responses = responses
    this.errors = errors
  }
}
