import { OptionError, SessionError } from '../../core/errors.ts'

/** What to do about each failure, after “Redis at …”: the first word of an error reply, or a code of Node.js. */
const advice: Readonly<Record<string, string>> = {
  CLUSTERDOWN: 'is in a cluster that is down',
  LOADING: 'is still loading its data',
  MASTERDOWN: 'is a replica that has lost its master',
  MISCONF: 'cannot save its data and takes no writes until it can: see its log',
  NOAUTH: 'wants to know who asks: set `password`, and `username` if there is one',
  NOPERM: 'forbids it to this user: see its ACL',
  OOM: 'has no memory left: raise its maxmemory, or let it drop other keys',
  READONLY: 'is a read-only replica: name its master',
  WRONGPASS: 'does not know this username and password',
  ECONNREFUSED: 'refuses the connection: is it running?',
  ENOENT: 'has no socket there: is it running?',
  ENOTFOUND: 'has a name that nobody knows',
}

/** What an error of a client tells about `name`. @param cause the client’s error */
export function toBackendError(name: string, cause: unknown): SessionError {
  if (cause instanceof SessionError) return cause
  const { message, code } = cause as NodeJS.ErrnoException
  const said = message === '' ? code : message // several addresses were tried: Node.js says no more
  const what = advice[firstWord(cause) ?? code ?? '']
  return backendError(name, what === undefined ? `failed: ${said}` : `${what} (${said})`, cause)
}

/** An error of the server or connection called `name`. */
export function backendError(name: string, what: string, cause?: unknown): SessionError {
  return new SessionError('ERR_BACKEND', `${name} ${what}`, { cause })
}

/** The first word of the error reply that caused it, such as `NOSCRIPT`; undefined for any other error. */
export function replyCode(error: unknown): string | undefined {
  return error instanceof SessionError ? firstWord(error.cause) : undefined
}

/**
 * The mistake in the options if it is that of a server that turns away who asks. To be used as long as it has answered
 * nothing: later its passwords may just be changing, which is an outage.
 */
export function mistakeInLogin(error: unknown): OptionError | undefined {
  const code = replyCode(error)
  if (code !== 'NOAUTH' && code !== 'WRONGPASS') return undefined
  return new OptionError(`username and password: ${(error as Error).message}`, { cause: error })
}

function firstWord(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined
  // Before Redis 7 the error of a command in a script comes inside of another: `ERR Error running script …: -OOM …`
  const [, outer, inner] = /^([A-Z]{2,})\b(?:.*?: -([A-Z]{2,})\b)?/.exec(cause.message) ?? []
  return inner ?? outer
}
