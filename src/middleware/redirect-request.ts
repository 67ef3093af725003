import { NetworkError } from '../core/errors.ts'
import { filterFields, type FieldList } from '../core/field-list.ts'
import { nameOf, type Request } from '../core/request.ts'

/**
 * The fields that may follow to another origin: what the content is and how the response should be.
 * Preconditions and Idempotency-Key are among them, because a write without its guard is worse than
 * a guard that a stranger reads. All others stay, for any of them may be a credential.
 */
const safeFields: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-digest',
  'content-encoding',
  'content-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'pragma',
  'range',
  'user-agent',
])

/** Fields that describe the content and do not begin with `content-`; they go when it goes. */
const contentFields: ReadonlySet<string> = new Set([
  'digest',
  'expect',
  'last-modified',
  'repr-digest',
  'trailer',
  'transfer-encoding',
])

/**
 * The request that a redirect leads to: its method as the Fetch standard has it (HTTP-redirect fetch),
 * and its credentials left behind when the origin changes, a mere change of scheme or port included.
 * @throws NetworkError ERR_REDIRECT when the body must be sent again but cannot
 */
export function redirectRequest(request: Request, status: number, target: URL): Request {
  const dropsContent = becomesGet(request.method, status)
  if (!dropsContent && request.body?.kind === 'stream') {
    throw new NetworkError(
      'ERR_REDIRECT',
      `${nameOf(request)}: redirected with ${status}, but the body is a stream, ` +
        'which cannot be sent again; give the body as bytes, or send it to where the redirect leads',
    )
  }
  const sameOrigin = target.origin === request.url.origin
  return {
    ...request,
    url: target,
    method: dropsContent ? 'GET' : request.method,
    body: dropsContent ? undefined : request.body,
    headers: redirectFields(request.headers, dropsContent, sameOrigin),
    features: sameOrigin ? request.features : { ...request.features, auth: undefined },
  }
}

/** 303 says so (RFC 9110, 15.4.4); for a POST, 301 and 302 came to mean it too (15.4.2, 15.4.3). */
function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return (status === 301 || status === 302) && method === 'POST'
}

function redirectFields(fields: FieldList, dropsContent: boolean, sameOrigin: boolean): FieldList {
  if (!dropsContent && sameOrigin) return fields
  return filterFields(fields, (name) => {
    if (dropsContent && (name.startsWith('content-') || contentFields.has(name))) return false
    return sameOrigin || safeFields.has(name)
  })
}
