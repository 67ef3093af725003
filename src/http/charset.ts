import { SessionError } from '../core/errors.ts'

/**
 * Content as text. The charset is the one given, if it is not empty, else the one that a byte order mark shows, else
 * UTF-8; the mark itself is left out and malformed bytes become U+FFFD (WHATWG Encoding, 6).
 * @throws SessionError ERR_CHARSET when the charset is not known
 */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string {
  const label = charset?.trim().toLowerCase() || markedCharset(bytes)
  if (label === 'utf-8' || label === 'utf8') {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  }
  let decoder: InstanceType<typeof TextDecoder>
  try {
    decoder = new TextDecoder(label)
  } catch (cause) {
    throw new SessionError(
      'ERR_CHARSET',
      `the response says charset '${label}', which is not known; use bytes() and decode it yourself`,
      { cause },
    )
  }
  return decoder.decode(bytes)
}

function markedCharset(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return 'utf-8'
}
