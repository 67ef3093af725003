import type { Middleware, Next } from '../core/reply.ts'

/**
 * Nests middlewares around `last`, the first one outermost. The chain is built here, once: a request
 * that goes through it allocates nothing for it.
 */
export function compose(middlewares: readonly Middleware[], last: Next): Next {
  return middlewares.reduceRight<Next>((next, middleware) => (request) => middleware(request, next), last)
}
