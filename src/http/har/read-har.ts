import type { Microseconds } from '../../core/duration.ts'
import { SessionError } from '../../core/errors.ts'
import { fieldValue, type FieldList, filterFields, withField } from '../../core/field-list.ts'
import { redacted } from './redaction.ts'

/** A response out of an archive, complete, with its content decoded. Calendar instants. */
export interface ArchivedResponse {
  readonly url: URL
  readonly requestHeaders: FieldList
  readonly status: number
  readonly statusText: string
  readonly headers: FieldList
  readonly body: Uint8Array
  readonly requestedAt: Microseconds
  readonly receivedAt: Microseconds
}

type Bag = Readonly<Record<string, unknown>>

/**
 * The responses to GETs in an archive, of any program: those that are whole and say when they came.
 * @param har an archive, or its JSON
 * @throws SessionError ERR_FORMAT when it is none
 */
export function readHar(har: unknown): ArchivedResponse[] {
  const entries = bag(bag(typeof har === 'string' ? parse(har) : har)['log'])['entries']
  if (!Array.isArray(entries)) throw new SessionError('ERR_FORMAT', 'this is no HAR: it has no log.entries')
  return entries.map((entry: unknown) => readEntry(bag(entry))).filter((response) => response !== undefined)
}

function parse(json: string): unknown {
  try {
    // a byte order mark may be there
    return JSON.parse(json.replace(/^\ufeff/, ''))
  } catch (cause) {
    throw new SessionError('ERR_FORMAT', 'this is no HAR: it is not JSON', { cause })
  }
}

function readEntry(entry: Bag): ArchivedResponse | undefined {
  const [request, response, timings] = [bag(entry['request']), bag(entry['response']), bag(entry['timings'])]
  const url = URL.parse(String(request['url']))
  const startedAt = Date.parse(String(entry['startedDateTime']))
  const body = readContent(bag(response['content']))
  const status = response['status']
  if (request['method'] !== 'GET' || entry['_redacted'] === true || Number.isNaN(startedAt)) return undefined
  if (url === null || !/^https?:$/.test(url.protocol) || body === undefined) return undefined
  if (!Number.isInteger(status)) return undefined
  const wait = span(timings['wait'])
  const before = ['blocked', 'dns', 'connect', 'send'].reduce((sum, phase) => sum + span(timings[phase]), 0)
  const requestedAt = Math.round((startedAt + before) * 1_000)
  return {
    url,
    requestHeaders: readFields(request['headers']),
    status: status as number,
    statusText: typeof response['statusText'] === 'string' ? response['statusText'] : '',
    headers: decodedFields(readFields(response['headers']), bag(response['content']), body),
    body,
    requestedAt,
    receivedAt: requestedAt + Math.round(wait * 1_000),
  }
}

/** undefined where there was content that was not kept. */
function readContent({ text, encoding, size }: Bag): Uint8Array | undefined {
  if (typeof text !== 'string') return size === 0 && text === undefined ? Buffer.alloc(0) : undefined
  return Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8')
}

/** Fields of the content as it is in the archive: decoded, and in UTF-8 where it is text. */
function decodedFields(fields: FieldList, content: Bag, body: Uint8Array): FieldList {
  const coded = fieldValue(fields, 'content-encoding') !== undefined
  const kept = filterFields(fields, (name) => !codingFields.has(name))
  const sized = withField(kept, 'Content-Length', String(body.byteLength))
  const tag = fieldValue(sized, 'etag')
  // a strong tag would name the coded bytes (RFC 9110, 8.8.3.3)
  const tagged = coded && tag?.startsWith('"') === true ? withField(sized, 'ETag', `W/${tag}`) : sized
  const type = fieldValue(tagged, 'content-type')
  if (content['encoding'] === 'base64' || type === undefined) return tagged
  return withField(tagged, 'Content-Type', type.replace(/(;\s*charset=)("[^"]*"|[^;\s]*)/i, '$1utf-8'))
}

/** How content came, which is not how it is in an archive. */
const codingFields = new Set(['content-encoding', 'content-length', 'transfer-encoding'])

/** A list without pseudo-fields of HTTP/2 and secrets that are unreadable; some programs join lines by a line feed. */
function readFields(pairs: unknown): string[] {
  if (!Array.isArray(pairs)) return []
  return pairs.flatMap((pair: unknown) => {
    const { name, value } = bag(pair)
    if (typeof name !== 'string' || typeof value !== 'string' || !namePattern.test(name)) return []
    const lines = value.split('\n').filter((line) => line !== redacted && valuePattern.test(line))
    return lines.flatMap((line) => [name, line])
  })
}

const namePattern = /^[!#$%&'*+\-.^_`|~\w]+$/
const valuePattern = /^[\t\u0020-\u007e\u0080-\u00ff]*$/

/** Milliseconds of a phase; -1 stands for none. */
function span(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0
}

function bag(value: unknown): Bag {
  return typeof value === 'object' && value !== null ? (value as Bag) : {}
}
