import { constants } from 'node:zlib'

/** The window that zstd content may ask for: 8 MiB (RFC 9659, 3). zlib itself would allow 128. */
export const zstdParameters: Readonly<Record<number, number>> = { [constants.ZSTD_d_windowLogMax]: 23 }

/**
 * Whether `deflate` content lacks the zlib wrapper that RFC 9110, 8.4.1.2 asks for; some servers leave
 * it out. The wrapper's first byte says 8, and no encoder begins raw deflate with that.
 */
export function isRawDeflate(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 8) & 0x0f) !== 8
}
