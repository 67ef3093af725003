import { createHash, createHmac, randomBytes } from 'node:crypto'
import { type Exchange, HttpProblem } from './exchange.ts'
import type { Handler } from './router.ts'

const realm = 'httpbin'

/** `/basic-auth/{user}/{passwd}`: 401 for everybody else (RFC 7617). */
export const basicAuth: Handler = (exchange, user, password) => {
  if (knowsPassword(exchange, user, password)) exchange.json({ authenticated: true, user })
  else exchange.json({ authenticated: false }, 401, { 'WWW-Authenticate': `Basic realm="${realm}"` })
}

/** `/hidden-basic-auth/{user}/{passwd}`: 404 for everybody else. */
export const hiddenBasicAuth: Handler = (exchange, user, password) => {
  if (!knowsPassword(exchange, user, password)) throw new HttpProblem(404, 'there is nothing to see')
  exchange.json({ authenticated: true, user })
}

/** `/bearer`: any token will do (RFC 6750). */
export const bearer: Handler = (exchange) => {
  const token = /^Bearer +(\S+)$/i.exec(exchange.header('authorization') ?? '')?.[1]
  if (token === undefined) exchange.json({ authenticated: false }, 401, { 'WWW-Authenticate': 'Bearer' })
  else exchange.json({ authenticated: true, token })
}

function knowsPassword(exchange: Exchange, user: string, password: string): boolean {
  const credentials = /^Basic +(\S+)$/i.exec(exchange.header('authorization') ?? '')?.[1]
  return credentials !== undefined && Buffer.from(credentials, 'base64').toString() === `${user}:${password}`
}

/** Digest algorithms (RFC 7616, 6.1) with Node's names for them. */
const digestAlgorithms = new Map([
  ['MD5', 'md5'],
  ['SHA-256', 'sha256'],
  ['SHA-512-256', 'sha512-256'],
])

/** Nonces carry a seal instead of being remembered. */
const sealKey = randomBytes(32)
const seal = (value: string): string => createHmac('sha256', sealKey).update(value).digest('hex').slice(0, 32)

/**
 * `/digest-auth/{qop}/{user}/{passwd}/{algorithm}`: checks the response as RFC 7616, 3.4 has it. `qop` is
 * auth, auth-int, or anything else for none (RFC 2069); `algorithm` MD5, SHA-256 or SHA-512-256, also with -sess.
 */
export const digestAuth: Handler = async (
  exchange,
  qop = '',
  user = '',
  password = '',
  algorithm = 'MD5',
) => {
  const hashName = digestAlgorithms.get(algorithm.replace(/-sess$/, ''))
  if (hashName === undefined)
    throw new HttpProblem(400, `algorithm must be ${[...digestAlgorithms.keys()].join(', ')}`)
  const hash = (...parts: (string | Buffer)[]): string => {
    const joined = parts.flatMap((part, index) => (index === 0 ? [part] : [':', part]))
    return joined.reduce((hashing, part) => hashing.update(part), createHash(hashName)).digest('hex')
  }
  const given = digestFields(exchange.header('authorization'))
  const { nonce = '', uri = '', nc = '', cnonce = '', response } = given
  const quality = qop === 'auth' || qop === 'auth-int' ? qop : undefined
  const body = await exchange.body()

  const secret = hash(user, realm, password)
  const ha1 = algorithm.endsWith('-sess') ? hash(secret, nonce, cnonce) : secret
  const ha2 = quality === 'auth-int' ? hash(exchange.method, uri, hash(body)) : hash(exchange.method, uri)
  const expected = quality ? hash(ha1, nonce, nc, cnonce, quality, ha2) : hash(ha1, nonce, ha2)
  const [salt = '', sealed] = nonce.split('.')
  const authenticated =
    response === expected &&
    sealed === seal(salt) &&
    given['username'] === user &&
    given['realm'] === realm &&
    given['qop'] === quality &&
    (given['algorithm'] ?? 'MD5') === algorithm &&
    uri === exchange.request.url &&
    (quality === undefined || (/^[\da-f]{8}$/i.test(nc) && cnonce !== ''))
  if (authenticated) exchange.json({ authenticated, user })
  else exchange.json({ authenticated }, 401, { 'WWW-Authenticate': challenge(quality, algorithm) })
}

function challenge(qop: string | undefined, algorithm: string): string {
  const salt = randomBytes(8).toString('hex')
  const quality = qop === undefined ? '' : `, qop="${qop}"`
  return `Digest realm="${realm}", nonce="${salt}.${seal(salt)}", opaque="${seal('opaque')}", algorithm=${algorithm}${quality}`
}

/** The name=value pairs of `Authorization: Digest`. */
function digestFields(authorization = ''): Record<string, string> {
  const list = /^Digest +(.*)$/i.exec(authorization)?.[1] ?? ''
  const pairs = list.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)
  return Object.fromEntries(
    Array.from(pairs, ([, name = '', quoted, token = '']) => [
      name.toLowerCase(),
      quoted?.replaceAll(/\\(.)/g, '$1') ?? token,
    ]),
  )
}
