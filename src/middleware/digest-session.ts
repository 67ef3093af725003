import { createHash, randomBytes } from 'node:crypto'
import type { Request } from '../core/request.ts'
import type { Challenge } from '../http/www-authenticate.ts'

/** A user name and a password. */
export interface DigestCredentials {
  readonly username: string
  readonly password: string
}

/** The algorithms of RFC 7616 (3.2 and 6.1), strongest first, by the names that node:crypto has for them. */
const algorithms: ReadonlyMap<string, { readonly hash: string; readonly strength: number }> = new Map([
  ['SHA-512-256', { hash: 'sha512-256', strength: 3 }],
  ['SHA-256', { hash: 'sha256', strength: 2 }],
  ['MD5', { hash: 'md5', strength: 1 }],
])

/**
 * One authentication session (RFC 7616, 3.6): from a challenge on, each request takes the next nonce
 * count of its nonce.
 */
export class DigestSession {
  readonly #parameters: ReadonlyMap<string, string>
  readonly #credentials: DigestCredentials
  readonly #algorithm: string
  readonly #hash: string
  /** H(A1): made once, from the first nonce, also where nextnonce changes that later (RFC 7616, 3.4.2). */
  readonly #secret: string
  /** One for the whole session, so that A1 of the -sess algorithms stays what it was. */
  readonly #clientNonce = randomBytes(16).toString('hex')
  #nonce: string
  #count = 0

  /** @param challenge one that {@link strongestChallenge} gave */
  constructor(challenge: Challenge, credentials: DigestCredentials) {
    this.#parameters = challenge.parameters
    this.#credentials = credentials
    this.#algorithm = (challenge.parameters.get('algorithm') ?? 'MD5').toUpperCase()
    this.#hash = algorithms.get(baseName(challenge))?.hash ?? 'md5'
    this.#nonce = this.#parameter('nonce')
    const secret = this.#digest(
      `${toByteString(credentials.username)}:${this.#parameter('realm')}:${toByteString(credentials.password)}`,
    )
    this.#secret = this.#algorithm.endsWith('-SESS')
      ? this.#digest(`${secret}:${this.#nonce}:${this.#clientNonce}`)
      : secret
  }

  /** Goes on with the nonce that the server gave for the next request (RFC 7616, 3.5). */
  renew(nonce: string): void {
    if (nonce === this.#nonce) return
    this.#nonce = nonce
    this.#count = 0
  }

  /** The Authorization value of one more request (RFC 7616, 3.4). */
  authorize(request: Request): string {
    const uri = request.url.pathname + request.url.search
    const protection = chooseProtection(this.#parameter('qop'))
    const count = (++this.#count).toString(16).padStart(8, '0')
    const parts = [
      `realm=${quote(this.#parameter('realm'))}`,
      ...this.#user(),
      `uri=${quote(uri)}`,
      `nonce=${quote(this.#nonce)}`,
      `response="${this.#response(request, uri, protection, count)}"`,
    ]
    if (this.#parameters.has('algorithm')) parts.push(`algorithm=${this.#parameters.get('algorithm')}`)
    if (protection !== undefined) parts.push(`qop=${protection}`, `nc=${count}`)
    if (protection !== undefined || this.#algorithm.endsWith('-SESS'))
      parts.push(`cnonce="${this.#clientNonce}"`)
    if (this.#parameters.has('opaque')) parts.push(`opaque=${quote(this.#parameter('opaque'))}`)
    return `Digest ${parts.join(', ')}`
  }

  /** RFC 7616, 3.4.1; without `qop` as RFC 2069 had it. */
  #response(request: Request, uri: string, protection: Protection | undefined, count: string): string {
    const content = protection === 'auth-int' ? `:${this.#digest(bodyBytes(request))}` : ''
    const target = this.#digest(`${request.method}:${uri}${content}`)
    if (protection === undefined) return this.#digest(`${this.#secret}:${this.#nonce}:${target}`)
    return this.#digest(
      `${this.#secret}:${this.#nonce}:${count}:${this.#clientNonce}:${protection}:${target}`,
    )
  }

  /** The user name: hashed if the server keeps it so (3.4.4), in the extended notation if it is not ASCII. */
  #user(): string[] {
    const { username } = this.#credentials
    if (this.#parameter('userhash').toLowerCase() === 'true') {
      return [
        `username="${this.#digest(`${toByteString(username)}:${this.#parameter('realm')}`)}"`,
        'userhash=true',
      ]
    }
    return /^[ -~]*$/.test(username)
      ? [`username=${quote(username)}`]
      : [`username*=UTF-8''${encodeURIComponent(username).replaceAll(/['()*]/g, escapeCharacter)}`]
  }

  #digest(content: string | Uint8Array): string {
    const hash = createHash(this.#hash)
    return (typeof content === 'string' ? hash.update(content, 'latin1') : hash.update(content)).digest('hex')
  }

  #parameter(name: string): string {
    return this.#parameters.get(name) ?? ''
  }
}

/** The Digest challenge with the strongest algorithm that can be answered for this request. */
export function strongestChallenge(
  challenges: readonly Challenge[],
  request: Request,
): Challenge | undefined {
  let best: Challenge | undefined
  for (const challenge of challenges) {
    if (strength(challenge, request) > (best === undefined ? 0 : strength(best, request))) best = challenge
  }
  return best
}

function strength(challenge: Challenge, request: Request): number {
  const { scheme, parameters } = challenge
  if (scheme !== 'digest' || !parameters.has('nonce') || !parameters.has('realm')) return 0
  const qop = parameters.get('qop') ?? ''
  const protection = chooseProtection(qop)
  if (qop !== '' && protection === undefined) return 0
  if (protection === 'auth-int' && request.body?.kind === 'stream') return 0
  return algorithms.get(baseName(challenge))?.strength ?? 0
}

/** The algorithm without `-sess`, which says how A1 is made. */
function baseName({ parameters }: Challenge): string {
  return (parameters.get('algorithm') ?? 'MD5').toUpperCase().replace(/-SESS$/, '')
}

type Protection = 'auth' | 'auth-int'

/** `auth` where there is a choice: few servers get `auth-int` right. */
function chooseProtection(qop: string): Protection | undefined {
  const offered = qop.toLowerCase().split(/[\s,]+/)
  return (['auth', 'auth-int'] as const).find((protection) => offered.includes(protection))
}

function bodyBytes({ body }: Request): Uint8Array | string {
  return body?.kind === 'bytes' ? body.bytes : ''
}

/** UTF-8, one character a byte, as the fields of the challenge are: so all of a hash is written one way. */
function toByteString(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

function escapeCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
