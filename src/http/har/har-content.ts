import { isUtf8 } from 'node:buffer'
import { parseMediaType } from '../media-type.ts'
import type { HarContent, HarPostData } from './har.ts'
import type { Redactor } from './redaction.ts'

/** Content as an archive has it: as text where it is some, else as Base64. */
interface WrittenContent {
  readonly text: string
  readonly encoding?: 'base64'
}

/** @param redact undefined: nothing is a secret */
export function responseContent(
  bytes: Uint8Array,
  type: string | undefined,
  redact: Redactor | undefined,
): Pick<HarContent, 'text' | 'encoding'> {
  return written(bytes, type, redact)
}

/** What a request carried. A form of several parts may hold a secret in any of them. */
export function requestContent(
  bytes: Uint8Array,
  type: string | undefined,
  redact: Redactor | undefined,
): HarPostData {
  const mimeType = type ?? 'application/octet-stream'
  if (redact !== undefined && /^multipart\//i.test(mimeType)) {
    return { mimeType, text: '', comment: 'a multipart form, left out since it may hold secrets' }
  }
  const { text, encoding } = written(bytes, type, redact)
  return { mimeType, text, ...(encoding === undefined ? {} : { _encoding: encoding }) }
}

function written(bytes: Uint8Array, type: string | undefined, redact: Redactor | undefined): WrittenContent {
  const text = textOf(bytes, type)
  if (text === undefined) return { text: Buffer.from(bytes).toString('base64'), encoding: 'base64' }
  return { text: redact?.text(text, type ?? '') ?? text }
}

/** Types that are text although they do not say so. */
const textTypes = /^(text|multipart)\/|[/+](json|xml|javascript|x-www-form-urlencoded|x-ndjson)$/

/** undefined where the bytes are no text, or one that is not written in UTF-8: it could not be got back from its text. */
function textOf(bytes: Uint8Array, type: string | undefined): string | undefined {
  const media = parseMediaType(type)
  const charset = media?.parameters.get('charset')
  const isText = media === undefined || charset !== undefined || textTypes.test(media.essence)
  if (!isText || !/^(utf-?8|us-ascii)$/i.test(charset ?? 'utf-8')) return undefined
  // a byte order mark is no part of the text
  return isUtf8(bytes) && bytes[0] !== byteOrderMark ? Buffer.from(bytes).toString() : undefined
}

/** The first byte of the mark in UTF-8; no character of a text begins so but U+F000 to U+FFFF. */
const byteOrderMark = 0xef
