/** Every code that an error of this library can carry, with what happened. The one table of codes. */
export const errorCodes = {
  ERR_OPTION: 'an option is wrong or unknown (a TypeError)',
  ERR_URL: 'the URL cannot be parsed, or is not http(s)',
  ERR_HEADER: 'a request header has characters that a field may not hold',
  ERR_BODY: 'the request body cannot be sent, or cannot be sent again',
  ERR_CLOSED: 'the session or limiter is closed',
  ERR_ABORTED: 'the caller’s AbortSignal fired',
  ERR_TIMEOUT_TOTAL: 'the whole request took longer than `timeout`',
  ERR_TIMEOUT_CONNECT: 'no connection within `timeout.connect`',
  ERR_TIMEOUT_HEADERS: 'no response headers within `timeout.headers`',
  ERR_TIMEOUT_BODY: 'no response data within `timeout.body`',
  ERR_TIMEOUT_THREADED: 'a blocking call heard nothing for `SessionConfig.threadedTimeout`',
  ERR_DNS: 'the host name cannot be resolved',
  ERR_CONNECT: 'the connection was refused or cannot be made',
  ERR_TLS: 'the TLS handshake failed',
  ERR_CONNECTION_LOST: 'the connection ended before any of the response came',
  ERR_TRUNCATED: 'the connection ended in the middle of the response',
  ERR_PROTOCOL: 'what the server sent is not HTTP',
  ERR_DECODE: 'the content does not match its Content-Encoding',
  ERR_TOO_LARGE: 'the response is larger than `maxResponseSize`',
  ERR_REDIRECT: 'a redirect cannot be followed, or there are too many',
  ERR_RETRY_AFTER: 'the server asks for a longer pause than `maxRetryAfter`',
  ERR_JSON: 'the content is not JSON',
  ERR_SCHEMA: 'the content does not match the schema',
  ERR_CHARSET: 'the content names a charset that is not known',
  ERR_FORMAT: 'a serialized response cannot be read',
  ERR_STATUS: 'the response has a 4xx or 5xx status',
  ERR_BACKEND: 'where limits or responses are kept cannot be read or written',
  ERR_RATELIMIT: 'the rate limit allows it only later than `maxWait`',
  ERR_NOT_CACHED: 'only a cached response was asked for, and there is none',
  ERR_CALLBACK: 'a callback threw',
  ERR_BATCH: 'some requests of a batch failed',
  ERR_COOKIE: 'the cookie jar or its file cannot be used',
  ERR_WORKER: 'the thread that a blocking session works in has ended, or does not answer',
} as const

/** One of the codes in {@link errorCodes}. */
export type SessionErrorCode = keyof typeof errorCodes

/** What an error may say beside its message. */
export interface SessionErrorOptions {
  /** What caused it: the error of the layer below, or an abort reason. */
  readonly cause?: unknown
}

/** The base of everything that this library throws, but for misuse: that is an {@link OptionError}. */
export class SessionError extends Error {
  override readonly name: string = 'SessionError'
  /** Which failure this is: stable, for programs. */
  readonly code: SessionErrorCode

  constructor(code: SessionErrorCode, message: string, options?: SessionErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A wrong or unknown option: a `TypeError` that names the option and says what to write instead. */
export class OptionError extends TypeError {
  override readonly name = 'OptionError'
  readonly code = 'ERR_OPTION'
}

/** The request got no response, or only a part of one. */
export class NetworkError extends SessionError {
  override readonly name = 'NetworkError'
}

/** Time ran out; `code` says which one: total, connect, headers or body. */
export class TimeoutError extends SessionError {
  override readonly name = 'TimeoutError'
}

/** The caller’s signal fired; `cause` is the signal’s reason. */
export class AbortError extends SessionError {
  override readonly name = 'AbortError'

  constructor(signal: AbortSignal) {
    super('ERR_ABORTED', 'the request was aborted by its signal', { cause: signal.reason })
  }
}

/** A limit was reached and waiting was not wanted, or not for that long. */
export class RatelimitError extends SessionError {
  override readonly name = 'RatelimitError'
  /** Milliseconds until the request could go; `Infinity` when it never could. */
  readonly retryAfter: number
  /** The limiter key that is busy. */
  readonly key: string

  constructor(key: string, retryAfter: number) {
    super('ERR_RATELIMIT', `rate limit of '${key}' reached: free in ${Math.ceil(retryAfter)} ms`)
    this.key = key
    this.retryAfter = retryAfter
  }
}

/** What is asked of a session after its end fails with this. */
export function sessionClosed(): SessionError {
  return new SessionError('ERR_CLOSED', 'the session is closed')
}

/** @param cause why what was waited for had not come by then */
export function limiterClosed(cause?: SessionError): SessionError {
  return new SessionError('ERR_CLOSED', 'the limiter is closed', cause === undefined ? {} : { cause })
}

export function backendClosed(): SessionError {
  return new SessionError('ERR_CLOSED', 'the backend is closed')
}
