import { describe } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { RequestCacheMode } from '../../core/request.ts'
import { entriesOf } from '../entries.ts'
import { isTransportField, type HeaderValue } from '../fields.ts'
import { checkMethod, type RequestOptions } from '../request-options.ts'
import { type FetchBody, givenBody, requestBody } from './fetch-body.ts'

/** What `fetch` takes, where the caller’s own types do not say more. */
export type FetchInput = Parameters<typeof globalThis.fetch>[0]
export type FetchInit = Parameters<typeof globalThis.fetch>[1]

/** A call of `fetch` in the words of this library. */
export interface FetchCall {
  readonly method: string
  readonly url: string
  readonly options: RequestOptions
  readonly signal: AbortSignal | undefined
  /** Hashes that the content must match; '' for none. */
  readonly integrity: string
}

/** Fetch, 2.2.1: methods that no caller may use. CONNECT is refused where methods are checked. */
const forbiddenMethods = new Set(['TRACE', 'TRACK'])

/**
 * Reads the arguments of `fetch`: what `init` says beats what the `Request` says (Fetch, 5.4).
 * @throws OptionError, AbortError, SessionError ERR_HEADER
 */
export async function readCall(input: FetchInput, init: FetchInit): Promise<FetchCall> {
  const said: globalThis.RequestInit = init ?? {}
  const request = isRequest(input) ? input : undefined
  const method = checkMethod(said.method ?? request?.method ?? 'GET')
  if (forbiddenMethods.has(method.toUpperCase())) {
    throw new OptionError(`method: fetch does not take ${describe(method)}`)
  }
  const signal = (said.signal === undefined ? request?.signal : said.signal) ?? undefined
  // what a Request says by default is nothing that beats the session’s own
  const redirect = said.redirect ?? (request?.redirect === 'follow' ? undefined : request?.redirect)
  const cache = said.cache ?? request?.cache ?? 'default'
  const content = await bodyOf(request, said, signal)
  if (content !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new OptionError(`body: a ${method} has none`)
  }
  const headers = fieldsOf(said.headers ?? request?.headers, cache, content)
  return {
    method,
    url: urlOf(input),
    signal,
    integrity: said.integrity ?? request?.integrity ?? '',
    options: {
      headers,
      cache,
      ...(content === undefined ? {} : { body: content.body }),
      ...(signal === undefined ? {} : { signal }),
      ...(redirect === undefined ? {} : { redirect }),
      // Fetch, 2.2.5: neither sends credentials nor takes any
      ...((said.credentials ?? request?.credentials) === 'omit' ? { cookies: false, auth: false } : {}),
    },
  }
}

/** Text, as it may be relative; `href` of a URL, of whichever library. */
export function urlOf(input: FetchInput): string {
  if (typeof input === 'string') return input
  return isRequest(input) ? input.url : input.href
}

function isRequest(input: FetchInput): input is globalThis.Request {
  return typeof input === 'object' && 'url' in input && typeof input.url === 'string'
}

async function bodyOf(
  request: globalThis.Request | undefined,
  { body, duplex }: globalThis.RequestInit,
  signal: AbortSignal | undefined,
): Promise<FetchBody | undefined> {
  if (body !== undefined && body !== null) return givenBody(body, duplex)
  if (request?.bodyUsed === true) throw new OptionError('body: the one of this Request was used already')
  if (request?.body === undefined || request.body === null) return undefined
  return requestBody(request.body, signal)
}

/**
 * The fields to send: the caller’s without those that are the connection’s own, as Fetch, 2.2.2 drops what is not the
 * caller’s to say; and what the cache mode says to caches on the way (Fetch, 4.6).
 */
function fieldsOf(
  given: unknown,
  cache: RequestCacheMode,
  content: FetchBody | undefined,
): Iterable<readonly [string, string]> {
  const all = given === undefined ? [] : entriesOf(given as Record<string, HeaderValue>, 'headers')
  const fields = all.filter(([name]) => !isTransportField(name)) as [string, string][]
  const names = new Set(fields.map(([name]) => name.toLowerCase()))
  const byDefault = (name: string, value: string | undefined): void => {
    if (value !== undefined && !names.has(name)) fields.push([name, value])
  }
  const reloads = cache === 'no-store' || cache === 'reload'
  byDefault('content-type', content?.type)
  byDefault('pragma', reloads ? 'no-cache' : undefined)
  byDefault('cache-control', reloads ? 'no-cache' : cache === 'no-cache' ? 'max-age=0' : undefined)
  return fields
}
