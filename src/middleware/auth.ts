import { fieldValue } from '../core/field-list.ts'
import type { Middleware } from '../core/reply.ts'
import { authorization, withAuthorization, withoutCredentials } from './authorization.ts'
import { digestMiddleware } from './digest.ts'

/**
 * Sends the request's credentials: Basic and Bearer with the first try, Digest when it was asked for.
 * An Authorization field that the caller wrote is left alone.
 */
export function authMiddleware(): Middleware {
  const digest = digestMiddleware()
  return (request, next) => {
    const { auth } = request.features
    if (auth === undefined) return next(request)
    // it speaks for somebody else, so that the credentials must not name whose answer it is
    if (fieldValue(request.headers, 'authorization') !== undefined) return next(withoutCredentials(request))
    if (auth.kind === 'digest') return digest(request, next)
    return next(withAuthorization(request, authorization(auth)))
  }
}
