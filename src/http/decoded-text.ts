import { decodeText } from './charset.ts'

/** Shorter contents are decoded in less time than it takes to remember them. */
const leastBytes = 65_536

interface DecodedText {
  readonly charset: string | undefined
  readonly text: string
}

/** Texts by their bytes, for as long as the garbage collector leaves them. */
const known = new WeakMap<Uint8Array, WeakRef<DecodedText>>()

/**
 * {@link decodeText} for bytes that are likely to be decoded again, and never change: a cache in memory hands out
 * the same ones with each hit. To decode 200 KB takes ten times as long as all else of such a hit.
 */
export function decodeTextOnce(bytes: Uint8Array, charset: string | undefined): string {
  if (bytes.byteLength < leastBytes) return decodeText(bytes, charset)
  const earlier = known.get(bytes)?.deref()
  if (earlier !== undefined && earlier.charset === charset) return earlier.text
  const text = decodeText(bytes, charset)
  known.set(bytes, new WeakRef({ charset, text }))
  return text
}
