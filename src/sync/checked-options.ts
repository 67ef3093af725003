import { checkOptions } from '../core/check-options.ts'
import type { SessionRequestOptions } from '../session/call-options.ts'
import { type ContentOptions, toContent } from '../session/content.ts'
import { type Entries, entriesOf } from '../session/entries.ts'
import type { RequestBuilder } from '../session/request-builder.ts'
import { requestOptionNames, type RequestOptions, type SharedOptions } from '../session/request-options.ts'

/**
 * A request's options as plain objects and lists, whatever they are read from: as the session in the worker would
 * read them, inherited ones too. Pairs that come one by one are pulled here, once.
 * @throws OptionError
 */
export function plainRequest(options: SessionRequestOptions): SessionRequestOptions {
  checkOptions(options, requestOptionNames, 'request')
  const own: Partial<Record<string, unknown>> = {}
  for (const name of requestOptionNames) {
    const value = options[name as keyof SessionRequestOptions]
    if (value !== undefined) own[name] = value
  }
  const plain = plainEntries(own as SessionRequestOptions)
  const { form, cookies } = plain
  return {
    ...plain,
    ...(form === undefined || form instanceof FormData ? {} : { form: pairsOf(form, 'form') }),
    ...(typeof cookies === 'object' ? { cookies: { ...cookies } } : {}),
  }
}

/** Options with names and values as pairs: those of a class, say, or of a generator, could not cross. @throws OptionError */
export function plainEntries<Options extends Pick<SharedOptions, 'params' | 'headers'>>(
  options: Options,
): Options {
  const { params, headers } = options
  return {
    ...options,
    ...(params === undefined ? {} : { params: pairsOf(params, 'params') }),
    ...(headers === undefined ? {} : { headers: pairsOf(headers, 'headers') }),
  }
}

/** A promise is refused later, with what to do about it. @throws OptionError */
function pairsOf<Given extends object>(given: Given, option: string): Given {
  return given instanceof Promise ? given : (entriesOf<unknown>(given as Entries<unknown>, option) as never)
}

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

/** What is encoded in the worker, or only there because that takes its time, needs no check. @throws OptionError */
export function checkContent({ json, form, body }: ContentOptions): void {
  const isOne = [json, form, body].filter((content) => content !== undefined).length <= 1
  const isEncodedLater =
    json !== undefined ||
    typeof body === 'string' ||
    [form, body].some((content) => content instanceof FormData || content instanceof Blob)
  if (!isOne || !isEncodedLater) void toContent({ json, form, body } as ContentOptions)
}
