import { NetworkError, SessionError, type SessionErrorCode, TimeoutError } from '../core/errors.ts'
import { nameOf, type Request } from '../core/request.ts'

/** How far an exchange had come when it failed. */
export type Phase = 'connecting' | 'written' | 'answered'

const timeoutCodes: Readonly<Record<string, SessionErrorCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'ERR_TIMEOUT_CONNECT',
  ETIMEDOUT: 'ERR_TIMEOUT_CONNECT',
  UND_ERR_HEADERS_TIMEOUT: 'ERR_TIMEOUT_HEADERS',
  UND_ERR_BODY_TIMEOUT: 'ERR_TIMEOUT_BODY',
}

const otherCodes: Readonly<Record<string, SessionErrorCode>> = {
  ENOTFOUND: 'ERR_DNS',
  EAI_AGAIN: 'ERR_DNS',
  ECONNREFUSED: 'ERR_CONNECT',
  EHOSTUNREACH: 'ERR_CONNECT',
  ENETUNREACH: 'ERR_CONNECT',
  EADDRNOTAVAIL: 'ERR_CONNECT',
  UND_ERR_HEADERS_OVERFLOW: 'ERR_PROTOCOL',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ERR_PROTOCOL',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'ERR_BODY',
  UND_ERR_INVALID_ARG: 'ERR_HEADER',
  UND_ERR_NOT_SUPPORTED: 'ERR_HEADER',
  UND_ERR_DESTROYED: 'ERR_CLOSED',
  UND_ERR_CLOSED: 'ERR_CLOSED',
}

const waits: Readonly<Partial<Record<SessionErrorCode, string>>> = {
  ERR_TIMEOUT_CONNECT: 'no connection within timeout.connect',
  ERR_TIMEOUT_HEADERS: 'no response headers within timeout.headers',
  ERR_TIMEOUT_BODY: 'no response data within timeout.body',
}

const tlsPattern = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|EPROTO)/

/** An error of the layers below as one of ours, with the URL but without its query, which may hold secrets. */
export function toSessionError(error: Error, request: Request, phase: Phase): SessionError {
  if (error instanceof SessionError) return error
  const lower = (error as { code?: unknown }).code
  const reason = typeof lower === 'string' ? lower : ''
  const target = nameOf(request)
  const timeout = timeoutCodes[reason]
  if (timeout !== undefined) {
    return new TimeoutError(timeout, `${target}: ${waits[timeout]}`, { cause: error })
  }
  const code = otherCodes[reason] ?? guess(error.name, reason, phase)
  if (code === 'ERR_CLOSED')
    return new SessionError(code, `${target}: the session is closed`, { cause: error })
  return new NetworkError(code, `${target}: ${error.message || reason}`, { cause: error })
}

function guess(name: string, reason: string, phase: Phase): SessionErrorCode {
  if (name === 'HTTPParserError') return reason === 'HPE_INVALID_EOF_STATE' ? lost(phase) : 'ERR_PROTOCOL'
  if (tlsPattern.test(reason)) return 'ERR_TLS'
  return lost(phase)
}

function lost(phase: Phase): SessionErrorCode {
  if (phase === 'connecting') return 'ERR_CONNECT'
  return phase === 'written' ? 'ERR_CONNECTION_LOST' : 'ERR_TRUNCATED'
}
