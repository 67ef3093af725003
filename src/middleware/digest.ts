import { LRUCache } from 'lru-cache'
import { SessionError } from '../core/errors.ts'
import { fieldValue, fieldValues } from '../core/field-list.ts'
import type { Middleware, Next, Reply } from '../core/reply.ts'
import { nameOf, type Request } from '../core/request.ts'
import { parseAuthParameters, parseChallenges } from '../http/www-authenticate.ts'
import { withAuthorization } from './authorization.ts'
import { type DigestCredentials, DigestSession, strongestChallenge } from './digest-session.ts'
import { discard } from './discard.ts'

/** Origins and users whose nonces are remembered. */
const rememberedSessions = 1_000

/**
 * Digest authentication (RFC 7616): answers one challenge per request, and uses its nonce for later
 * requests of the same user to the same origin, so that those need no challenge.
 * @throws SessionError ERR_BODY when the request must be sent again but its body is a stream
 */
export function digestMiddleware(): Middleware {
  const sessions = new LRUCache<string, DigestSession>({ max: rememberedSessions })
  return async (request, next) => {
    const credentials = request.features.auth as DigestCredentials
    const key = JSON.stringify([request.url.origin, credentials.username, credentials.password])
    const known = sessions.get(key)
    const reply = await next(
      known === undefined ? request : withAuthorization(request, known.authorize(request)),
    )
    if (reply.status !== 401) {
      if (known !== undefined) takeNextNonce(reply, known)
      return reply
    }
    // Also where the known nonce was refused: stale, or of another realm (RFC 7616, 3.3).
    if (sessions.get(key) === known) sessions.delete(key)
    const challenge = strongestChallenge(
      parseChallenges(fieldValues(reply.headers, 'www-authenticate')),
      request,
    )
    if (challenge === undefined) return reply
    const session = new DigestSession(challenge, credentials)
    const answer = await sendAgain(request, next, reply, session)
    if (answer.status !== 401) {
      takeNextNonce(answer, session)
      sessions.set(key, session)
    }
    return { ...answer, attempts: reply.attempts + answer.attempts }
  }
}

async function sendAgain(
  request: Request,
  next: Next,
  challenged: Reply,
  session: DigestSession,
): Promise<Reply> {
  await discard(challenged)
  if (request.body?.kind === 'stream') {
    throw new SessionError(
      'ERR_BODY',
      `${nameOf(request)}: Digest must send the body again, ` +
        'but a stream can be sent only once; give the body as bytes, or make a request without a body first',
    )
  }
  return next(withAuthorization(request, session.authorize(request)))
}

function takeNextNonce(reply: Reply, session: DigestSession): void {
  const info = fieldValue(reply.headers, 'authentication-info')
  const nonce = info === undefined ? undefined : parseAuthParameters(info).get('nextnonce')
  if (nonce !== undefined) session.renew(nonce)
}
