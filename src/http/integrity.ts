import { hash } from 'node:crypto'

/** The hash functions of Subresource Integrity, the weakest first. */
const algorithms = ['sha256', 'sha384', 'sha512']

/** One hash of an integrity text: function, base64 or base64url of the digest, and options that mean nothing yet. */
const hashPattern = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?.*)?$/

/**
 * Whether content is what an `integrity` text says: one of the hashes of the strongest function that it names. A
 * text that names no known function says nothing (Subresource Integrity, 3.3.5).
 */
export function matchesIntegrity(content: Uint8Array, integrity: string): boolean {
  const hashes = integrity
    .split(/[\t\n\f\r ]+/)
    .map((text) => hashPattern.exec(text))
    .filter((match) => match !== null)
  const strongest = Math.max(...hashes.map(([, name]) => algorithms.indexOf(name as string)))
  const name = algorithms[strongest]
  if (name === undefined) return true
  const digest = hash(name, content, 'base64url')
  return hashes.some(([, each, wanted]) => each === name && toBase64Url(wanted as string) === digest)
}

function toBase64Url(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
