import { fieldValue } from '../core/field-list.ts'
import type { Middleware } from '../core/reply.ts'
import { authorization, withAuthorization } from './authorization.ts'
import { digestMiddleware } from './digest.ts'

/**
 * Sends the request's credentials: Basic and Bearer with the first try, Digest when it was asked for.
 * An Authorization field that the caller wrote is left alone.
 */
export function authMiddleware(): Middleware {
  const digest = digestMiddleware()
  return (request, next) => {
    const { auth } = request.features
    if (auth === undefined || fieldValue(request.headers, 'authorization') !== undefined) return next(request)
    if (auth.kind === 'digest') return digest(request, next)
    return next(withAuthorization(request, authorization(auth)))
  }
}
