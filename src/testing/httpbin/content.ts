import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Exchange, HttpProblem, integerFrom, numberFrom } from './exchange.ts'
import { headOf } from './echo.ts'
import type { Handler } from './router.ts'

const largest = 100 * 1024 * 1024
/** The longest drip or pause, seconds. */
const longest = 3_600
/** A drip writes no more often than this, milliseconds. */
const dripInterval = 10

/** `/status/{code}`, or one of several at random: `/status/200,404,503`. */
export const status: Handler = (exchange, codes) => {
  const choices = codes.split(',').map((code) => integerFrom(code, 'a status', 200, 999))
  const code = choices[Math.floor(Math.random() * choices.length)] as number
  const fields: Record<string, string> = {}
  if (code >= 301 && code <= 308 && code !== 304 && code !== 306) fields['Location'] = '/get'
  if (code === 401) fields['WWW-Authenticate'] = 'Basic realm="httpbin"'
  if (code === 405) fields['Allow'] = 'GET, HEAD'
  exchange.send(code, fields)
}

/** `/bytes/{n}?seed`: random bytes, the same ones for the same seed. */
export const bytes: Handler = (exchange, count) => {
  const content = randomContent(exchange, count)
  exchange.send(200, { 'Content-Type': 'application/octet-stream' }, content)
}

/** `/stream-bytes/{n}?seed&chunk_size`: the same in chunks, without Content-Length. */
export const streamBytes: Handler = async (exchange, count) => {
  const content = randomContent(exchange, count)
  const size = integerFrom(exchange.query.get('chunk_size'), 'chunk_size', 1, largest, 10_240)
  await stream(exchange, 'application/octet-stream', function* () {
    for (let start = 0; start < content.length; start += size) yield content.subarray(start, start + size)
  })
}

/** `/stream/{n}`: n lines of JSON. */
export const streamLines: Handler = async (exchange, count) => {
  const lines = integerFrom(count, 'the number of lines', 0, 1_000_000)
  const head = headOf(exchange)
  await stream(exchange, 'application/json', function* () {
    for (let id = 0; id < lines; id++) yield Buffer.from(`${JSON.stringify({ id, ...head })}\n`)
  })
}

/** `/drip?duration&numbytes&code&delay`: the head after `delay`, the last byte `duration` later; seconds. */
export const drip: Handler = async (exchange) => {
  const { query, response, gone } = exchange
  const duration = numberFrom(query.get('duration'), 'duration', 0, longest, 2) * 1_000
  const count = integerFrom(query.get('numbytes'), 'numbytes', 1, largest, 10)
  const code = integerFrom(query.get('code'), 'code', 200, 999, 200)
  await sleep(numberFrom(query.get('delay'), 'delay', 0, longest, 0) * 1_000, undefined, { signal: gone })
  response.writeHead(code, { 'Content-Type': 'application/octet-stream', 'Content-Length': count })
  response.flushHeaders()
  const startedAt = performance.now()
  const pieces = Math.min(count, Math.max(1, Math.floor(duration / dripInterval)))
  for (let piece = 1; piece <= pieces; piece++) {
    // Against the start, so that late timers do not add up.
    const wait = startedAt + (duration * piece) / pieces - performance.now()
    if (wait > 0) await sleep(Math.ceil(wait), undefined, { signal: gone })
    const from = Math.floor((count * (piece - 1)) / pieces)
    response.write(Buffer.alloc(Math.floor((count * piece) / pieces) - from, '*'))
  }
  response.end()
}

/** `/response-headers?name=value`: those fields on the response, and in its JSON. */
export const responseHeaders: Handler = (exchange) => {
  const args = exchange.args()
  for (const name of Object.keys(args)) {
    if (/^(?:content-length|transfer-encoding|connection)$/i.test(name)) {
      throw new HttpProblem(400, `${name} would break the framing; brokenServer() does that on purpose`)
    }
  }
  exchange.json(args, 200, args)
}

/** `/links/{n}`, `/links/{n}/{offset}`: a page of n links to its sisters. */
export const links: Handler = (exchange, count, offset = '0') => {
  const total = integerFrom(count, 'the number of links', 1, 200)
  const current = integerFrom(offset, 'the offset', 0, total - 1)
  const items = Array.from({ length: total }, (_, index) =>
    index === current ? `${index}` : `<a href="/links/${total}/${index}">${index}</a>`,
  )
  const html = `<!doctype html><title>Links</title>${items.join(' ')}\n`
  exchange.send(200, { 'Content-Type': 'text/html; charset=utf-8' }, html)
}

function randomContent(exchange: Exchange, count: string): Uint8Array {
  const length = integerFrom(count, 'the number of bytes', 0, largest)
  const seed = exchange.query.get('seed')
  if (seed === null || length === 0) return randomBytes(length)
  return createHash('shake256', { outputLength: length }).update(seed).digest()
}

async function stream(exchange: Exchange, type: string, chunks: () => Iterable<Uint8Array>): Promise<void> {
  exchange.response.writeHead(200, { 'Content-Type': type })
  if (exchange.method === 'HEAD') exchange.response.end()
  else await pipeline(Readable.from(chunks()), exchange.response)
}
