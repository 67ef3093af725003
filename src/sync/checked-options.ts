import { type ContentOptions, toContent } from '../session/content.ts'
import type { RequestBuilder } from '../session/request-builder.ts'
import type { RequestOptions } from '../session/request-options.ts'

/**
 * Checks a request's options as the session in the worker will.
 * @returns a builder that has them, but for the content
 * @throws OptionError, SessionError ERR_HEADER
 */
export function checkRequest(options: RequestOptions, builder: RequestBuilder): RequestBuilder {
  checkContent(options)
  // without content nothing has to be waited for
  const { json: _, form: __, body: ___, ...rest } = options
  return builder.with(rest) as RequestBuilder
}

/** What is encoded in the worker, or only there because that takes its time, needs no check. */
function checkContent({ json, form, body }: ContentOptions): void {
  const isOne = [json, form, body].filter((content) => content !== undefined).length <= 1
  const isEncodedLater =
    json !== undefined ||
    typeof body === 'string' ||
    [form, body].some((content) => content instanceof FormData || content instanceof Blob)
  if (!isOne || !isEncodedLater) void toContent({ json, form, body } as ContentOptions)
}
