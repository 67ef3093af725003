import type { MaybePromise } from '../backends/contract.ts'
import { checkOptions } from '../core/check-options.ts'
import type { Clock } from '../core/clock.ts'
import { describe } from '../core/duration.ts'
import { OptionError, SessionError } from '../core/errors.ts'
import { type FieldList, fieldValue, withField } from '../core/field-list.ts'
import {
  defaultMaxResponseSize,
  type Credentials,
  type Request,
  type RequestBody,
  type RequestFeatures,
  type Timeouts,
} from '../core/request.ts'
import { type Content, toContent } from './content.ts'
import { lasting } from './entries.ts'
import { mergeFields } from './fields.ts'
import {
  checkFlags,
  parseMaxResponseSize,
  requestFeatures,
  requestOptionNames,
  type RequestOptions,
} from './request-options.ts'
import { type Params, targetUri } from './target.ts'
import { parseTimeout } from './timeouts.ts'

/** What holds for every request that a builder makes. */
export interface RequestDefaults {
  readonly baseUrl: URL | undefined
  readonly params: readonly Params[]
  readonly headers: FieldList
  readonly body: RequestBody | undefined
  readonly signal: AbortSignal | undefined
  readonly timeouts: Timeouts
  readonly maxResponseSize: number | undefined
  readonly features: RequestFeatures
}

/** Turns what the caller meant into checked, complete requests; nothing that was passed is changed. */
export class RequestBuilder {
  readonly #defaults: RequestDefaults
  readonly #clock: Clock

  constructor(defaults: RequestDefaults, clock: Clock) {
    this.#defaults = defaults
    this.#clock = clock
  }

  /**
   * A request.
   * @throws OptionError, SessionError ERR_URL
   */
  build(method: string, url: string | URL, reading: Request['reading']): Request {
    return this.#request(method, targetUri(url, this.#defaults.baseUrl, this.#defaults.params), reading)
  }

  /** A request that stands for one that cannot be made, because of its URL, say; then that is `about:invalid`. */
  placeholder(url: string, method = 'GET'): Request {
    const target = URL.parse(url, this.#defaults.baseUrl?.href) ?? new URL('about:invalid')
    return this.#request(method, target, 'buffered')
  }

  #request(method: string, url: URL, reading: Request['reading']): Request {
    const { headers, body, signal, timeouts, maxResponseSize, features } = this.#defaults
    return {
      method,
      url,
      headers,
      body,
      reading,
      signal,
      timeouts,
      maxResponseSize:
        maxResponseSize ?? (reading === 'stream' ? Number.POSITIVE_INFINITY : defaultMaxResponseSize),
      observer: undefined,
      startedAt: this.#clock.now(),
      features: hasCredentials(url) ? { ...features, auth: takeCredentials(url, features) } : features,
    }
  }

  /**
   * A builder that has these options too; a promise of it only when the content has to be encoded first.
   * @throws OptionError, SessionError ERR_HEADER
   */
  with(options: RequestOptions): MaybePromise<RequestBuilder> {
    checkOptions(options, requestOptionNames, 'request')
    checkFlags(options)
    checkSignal(options.signal)
    const content = toContent(options)
    if (content instanceof Promise) return content.then((ready) => this.#withContent(options, ready))
    return this.#withContent(options, content)
  }

  #withContent(options: RequestOptions, content: Content | undefined): RequestBuilder {
    const base = this.#defaults
    const { params, headers, cookies, signal, timeout, maxResponseSize } = options
    const fields = headers === undefined ? base.headers : mergeFields(base.headers, headers)
    return new RequestBuilder(
      {
        baseUrl: base.baseUrl,
        params: params === undefined ? base.params : [...base.params, lasting(params)],
        headers: withContentType(withCookies(fields, cookies), content),
        body: content === undefined ? base.body : content.body,
        signal: signal ?? base.signal,
        timeouts: timeout === undefined ? base.timeouts : parseTimeout(timeout, base.timeouts),
        maxResponseSize:
          maxResponseSize === undefined ? base.maxResponseSize : parseMaxResponseSize(maxResponseSize),
        features: requestFeatures(options, base.features),
      },
      this.#clock,
    )
  }
}

function hasCredentials(url: URL): boolean {
  return url.username !== '' || url.password !== ''
}

/** Credentials leave the URL and become Basic authentication; auth that was asked for by name beats them. */
function takeCredentials(url: URL, { auth }: RequestFeatures): Credentials {
  const credentials: Credentials = {
    kind: 'basic',
    username: decode(url.username),
    password: decode(url.password),
  }
  url.username = ''
  url.password = ''
  return auth ?? credentials
}

function withContentType(fields: FieldList, content: Content | undefined): FieldList {
  if (content?.type === undefined || fieldValue(fields, 'content-type') !== undefined) return fields
  return [...fields, 'content-type', content.type]
}

function withCookies(fields: FieldList, cookies: RequestOptions['cookies']): FieldList {
  if (cookies === undefined || cookies === false) return fields
  if (typeof cookies !== 'object' || cookies === null) {
    throw new OptionError(`cookies: ${describe(cookies)} must be an object of names and values, or false`)
  }
  const given = Object.entries(cookies).map(([name, value]) => cookiePair(name, value))
  const pairs = [fieldValue(fields, 'cookie'), ...given].filter((pair) => pair !== undefined)
  return pairs.length === 0 ? fields : withField(fields, 'cookie', pairs.join('; '))
}

/** One `name=value` (RFC 6265, 4.1.1). */
function cookiePair(name: string, value: unknown): string {
  if (
    typeof value === 'string' &&
    /^[!#$%&'*+\-.^_`|~\w]+$/.test(name) &&
    /^[!#-+\--:<-[\]-~]*$/.test(value)
  ) {
    return `${name}=${value}`
  }
  throw new SessionError(
    'ERR_HEADER',
    `cookies.${name}: ${describe(value)} cannot be a cookie; use encodeURIComponent on its value`,
  )
}

function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new OptionError(`signal: ${describe(signal)} is not an AbortSignal`)
  }
}

/** Percent-decoded, or as it is where it is malformed. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a lone % in a password is a character of it
  }
}
