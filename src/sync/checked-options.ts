import { checkOptions } from '../core/check-options.ts'
import { AbortError } from '../core/errors.ts'
import type { SessionRequestOptions } from '../session/call-options.ts'
import { type ContentOptions, toContent } from '../session/content.ts'
import { type Entries, entriesOf, sentText } from '../session/entries.ts'
import type { RequestBuilder } from '../session/request-builder.ts'
import { requestOptionNames, type RequestOptions, type SharedOptions } from '../session/request-options.ts'
import type { Params, ParamValue } from '../session/target.ts'
import { isPhases, phases, type TimeoutOption } from '../session/timeouts.ts'

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
    ...(typeof cookies === 'object' && cookies !== null ? { cookies: { ...cookies } } : {}),
  }
}

/** Options with names and values as pairs: those of a class, say, or of a generator, could not cross. @throws OptionError */
export function plainEntries<Options extends Pick<SharedOptions, 'params' | 'headers' | 'timeout'>>(
  options: Options,
): Options {
  const { params, headers, timeout } = options
  return {
    ...options,
    ...(params === undefined ? {} : { params: sendable(pairsOf(params, 'params')) }),
    ...(headers === undefined ? {} : { headers: pairsOf(headers, 'headers') }),
    ...(isPhases(timeout) ? { timeout: plainTimeout(timeout) } : {}),
  }
}

/** With the phases that it inherits. */
function plainTimeout(timeout: TimeoutOption & object): TimeoutOption {
  const inherited = phases.filter((phase) => phase in timeout)
  return { ...timeout, ...Object.fromEntries(inherited.map((phase) => [phase, Reflect.get(timeout, phase)])) }
}

/** A value that cannot be sent is told as the session in the worker would tell it. @throws OptionError */
function sendable(params: Params): Params {
  if (params instanceof Promise) return params
  for (const [name, given] of entriesOf<ParamValue | readonly ParamValue[]>(params, 'params')) {
    for (const value of Array.isArray(given) ? (given as readonly unknown[]) : [given]) {
      const isLater = value === null || value === undefined || value instanceof Promise
      if (!isLater) sentText(value, `params.${name}`)
    }
  }
  return params
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

/** The reason of a signal could not go to the worker and back. @throws AbortError when that of the options has fired before */
export function checkSignal(options: unknown): void {
  const signal =
    typeof options === 'object' && options !== null && 'signal' in options ? options.signal : undefined
  if (signal instanceof AbortSignal && signal.aborted) throw new AbortError(signal)
}
