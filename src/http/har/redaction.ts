/** What stands in the place of a secret. */
export const redacted = '[redacted]'

/** Names of what is a secret wherever it is. */
const secretName =
  /token|secret|passw|passphrase|api-?key|access-?key|private-?key|signature|credential|authorization|assertion|session-?id|csrf|xsrf|jwt/

/** Names that mean a secret in a query, a form or a header, but not in JSON. */
const secretNames = new Set(['auth', 'code', 'cookie', 'key', 'otp', 'pass', 'pwd', 'sid', 'sig'])

/** Fields whose values are URLs. */
const urlFields = new Set(['content-location', 'location', 'referer'])

/** Text of `name=value` pairs, such as a query. */
const pairPattern = /([^?#&=;\s]+)=([^&#]*)/g

/**
 * A text of JSON, strictly from left to right, and perhaps with a text as its value: so a quotation mark at the end of one
 * is never taken for the beginning of another.
 */
const jsonPattern = /"([^"\\]*(?:\\.[^"\\]*)*)"(?:(\s*:\s*)"[^"\\]*(?:\\.[^"\\]*)*")?/gs

/** Makes the secrets of one entry unreadable, and knows whether there were any. */
export class Redactor {
  readonly #own: ReadonlySet<string>
  #touched = false

  /** @param own further names, in any case */
  constructor(own: readonly string[]) {
    this.#own = new Set(own.map((name) => normal(name)))
  }

  /** Whether there was a secret so far, but for Set-Cookie. */
  get touched(): boolean {
    return this.#touched
  }

  /** The value of a header field. */
  header(name: string, value: string): string {
    const field = name.toLowerCase()
    // of the exchange alone, no part of a stored response: the rest is as good as before
    if (field === 'set-cookie') return redacted
    if (urlFields.has(field)) return this.url(value)
    return this.#isSecret(name) ? this.#hide() : value
  }

  /** A URL, or a reference, without credentials and with no secret in its query and fragment. */
  url(url: string): string {
    const plain = url.replace(/^([^/?#]*\/\/)[^/?#]*@/, '$1')
    if (plain !== url) this.#touched = true
    const at = plain.search(/[?#]/)
    return at === -1 ? plain : plain.slice(0, at) + this.pairs(plain.slice(at))
  }

  /** A query, or a form. */
  pairs(text: string): string {
    return text.replaceAll(pairPattern, (pair, name: string) =>
      this.#isSecret(decode(name)) ? `${name}=${encodeURIComponent(this.#hide())}` : pair,
    )
  }

  /** One value of a query. */
  value(name: string, value: string): string {
    return this.#isSecret(name) ? this.#hide() : value
  }

  /** Content that is text. */
  text(text: string, mimeType: string): string {
    if (/x-www-form-urlencoded/i.test(mimeType)) return this.pairs(text)
    if (!/json|event-stream/i.test(mimeType) && !/^\s*[[{]/.test(text)) return text
    return text.replaceAll(jsonPattern, (member, name: string, colon: string | undefined) => {
      if (colon === undefined || !this.#isSecretMember(name)) return member
      return `"${name}"${colon}"${this.#hide()}"`
    })
  }

  #isSecret(name: string): boolean {
    return secretNames.has(normal(name)) || this.#isSecretMember(name)
  }

  #isSecretMember(name: string): boolean {
    return this.#own.has(normal(name)) || secretName.test(normal(name))
  }

  #hide(): string {
    this.#touched = true
    return redacted
  }
}

/** `api_key`, `api.key` and `API-Key` are one name. */
function normal(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // not encoded, then
  }
}
