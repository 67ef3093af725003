import { withField } from '../core/field-list.ts'
import type { Credentials, Request } from '../core/request.ts'

/** The Authorization value of credentials that need no challenge: RFC 7617 with UTF-8, and RFC 6750. */
export function authorization(credentials: Exclude<Credentials, { kind: 'digest' }>): string {
  if (credentials.kind === 'bearer') return `Bearer ${credentials.token}`
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}

/** The request with this Authorization field. */
export function withAuthorization(request: Request, value: string): Request {
  return { ...request, headers: withField(request.headers, 'Authorization', value) }
}

/** The request with no credentials but those that are in its fields. */
export function withoutCredentials(request: Request): Request {
  return { ...request, features: { ...request.features, auth: undefined } }
}
