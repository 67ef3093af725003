import { setTimeout as sleep } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { parseMediaType } from '../../http/media-type.ts'
import { type Exchange, grouped, HttpProblem, numberFrom } from './exchange.ts'
import type { Handler } from './router.ts'

/** `/ip`, `/uuid`, `/user-agent`, `/headers`. */
export const ip: Handler = (exchange) => exchange.json({ origin: exchange.origin })
export const uuid: Handler = (exchange) => exchange.json({ uuid: randomUUID() })
export const userAgent: Handler = (exchange) =>
  exchange.json({ 'user-agent': exchange.header('user-agent') ?? null })
export const headers: Handler = (exchange) => exchange.json({ headers: exchange.headers() })

/** `/get`: the request without a body. */
export const echoHead: Handler = (exchange) => exchange.json(headOf(exchange))

/** `/post`, `/anything` and their like: the request with all that its body says. */
export const echo: Handler = async (exchange) => {
  const { args, headers: fields, origin, url } = headOf(exchange)
  const content = await readContent(exchange)
  exchange.json({
    args,
    data: content.data,
    files: content.files,
    form: content.form,
    headers: fields,
    json: content.json,
    method: exchange.method,
    origin,
    url,
  })
}

/** `/delay/{seconds}`: the same, later. */
export const delay: Handler = async (exchange, seconds) => {
  const pause = numberFrom(seconds, 'the delay', 0, 3_600)
  await sleep(pause * 1_000, undefined, { signal: exchange.gone })
  await echo(exchange)
}

/** `/gzip`, `/deflate`, `/brotli`, `/zstd`: an echo in that coding, whatever Accept-Encoding says. */
export const gzip = encoded('gzip', 'gzipped', gzipSync)
export const deflate = encoded('deflate', 'deflated', deflateSync)
export const brotli = encoded('br', 'brotli', brotliCompressSync)
export const zstd = encoded('zstd', 'zstd', zstdCompressSync)

function encoded(coding: string, flag: string, encode: (text: string) => Uint8Array): Handler {
  return (exchange) => {
    const { headers: fields, origin } = headOf(exchange)
    const text = `${JSON.stringify({ [flag]: true, headers: fields, method: exchange.method, origin })}\n`
    exchange.send(200, { 'Content-Type': 'application/json', 'Content-Encoding': coding }, encode(text))
  }
}

/** What `/get` says of a request. */
export interface EchoedHead {
  readonly args: Record<string, string | string[]>
  readonly headers: Record<string, string>
  readonly origin: string
  readonly url: string
}

/** See {@link EchoedHead}. */
export function headOf(exchange: Exchange): EchoedHead {
  return {
    args: exchange.args(),
    headers: exchange.headers(),
    origin: exchange.origin,
    url: exchange.url.href,
  }
}

interface EchoedContent {
  /** The body as text, where it is no form. */
  readonly data: string
  readonly files: Record<string, string | string[]>
  readonly form: Record<string, string | string[]>
  /** The body as JSON, null where it is none. */
  readonly json: unknown
}

async function readContent(exchange: Exchange): Promise<EchoedContent> {
  const body = await exchange.body()
  const type = exchange.header('content-type')
  const essence = parseMediaType(type)?.essence
  if (essence === 'application/x-www-form-urlencoded') {
    return { data: '', files: {}, form: grouped(new URLSearchParams(body.toString())), json: null }
  }
  if (essence === 'multipart/form-data') return readMultipart(body, type as string)
  return { data: asText(body), files: {}, form: {}, json: jsonOrNull(body.toString()) }
}

async function readMultipart(body: Buffer, type: string): Promise<EchoedContent> {
  const files: [string, string][] = []
  const form: [string, string][] = []
  for (const [name, value] of await parseMultipart(body, type)) {
    if (typeof value === 'string') form.push([name, value])
    else files.push([name, asText(Buffer.from(await value.arrayBuffer()), value.type)])
  }
  return { data: '', files: grouped(files), form: grouped(form), json: null }
}

/** Node's own multipart parser, by way of a Response that goes nowhere. */
async function parseMultipart(body: Buffer, type: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(body), { headers: { 'Content-Type': type } }).formData()
  } catch (cause) {
    throw new HttpProblem(400, `the multipart body cannot be read: ${(cause as Error).message}`)
  }
}

/** Bytes as text; as a data: URL where they are no UTF-8. */
function asText(bytes: Buffer, type = ''): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return `data:${type === '' ? 'application/octet-stream' : type};base64,${bytes.toString('base64')}`
  }
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
