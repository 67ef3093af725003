import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'

/** A server of one test file, ended after it. Answers its origin. */
export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void | Promise<void>

/** What the paths of {@link fetchOrigin} answer. */
const answers: Readonly<Record<string, Answer>> = {
  '/echo': async (response, request) => {
    const pieces: Uint8Array[] = []
    for await (const piece of request) pieces.push(piece as Uint8Array)
    const body = Buffer.concat(pieces).toString('latin1')
    const { 'content-type': type, 'content-length': length } = request.headers
    const boundary = /boundary=(.+)/.exec(type ?? '')?.[1] ?? '\n'
    const told = { method: request.method, type, length, body, field: request.headers['x-field'] }
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(told).replaceAll(boundary, 'boundary'))
  },
  '/empty': (response) => void response.writeHead(200, { 'Content-Length': 0 }).end(),
  '/cookies': (response) =>
    void response.writeHead(200, { 'Set-Cookie': ['a=1; Path=/', 'b=2, c'], 'X-A': ['1', '2'] }).end('two'),
  '/gzip': (response) =>
    void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('x'.repeat(100_000))),
  '/br': (response) =>
    void response.writeHead(200, { 'Content-Encoding': 'br' }).end(brotliCompressSync('y')),
  '/bad-gzip': (response) => void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('no gzip'),
  '/weird': (response) => void response.writeHead(999, 'Quite Weird').end('w'),
  '/latin1': (response) =>
    void response.writeHead(200, { 'X-Latin1': 'caf\u00e9' }).end(Buffer.from('caf\u00e9', 'latin1')),
  '/large': (response) => void response.end(Buffer.alloc(1_000_000, 'large')),
  '/cut': (response) => {
    response.writeHead(200, { 'Content-Length': 10 })
    response.write('half.', () => response.destroy())
  },
  '/reset': (response) => void response.destroy(),
  '/hang': () => undefined,
  '/drip': (response) => void response.writeHead(200).write('first'),
  '/loop': (response) => void response.writeHead(302, { Location: '/loop' }).end(),
  '/nowhere': (response) => void response.writeHead(302).end('nowhere'),
  '/ftp': (response) => void response.writeHead(302, { Location: 'ftp://127.0.0.1/' }).end(),
  '/tag': (response, request) => {
    const known = request.headers['if-none-match'] === '"1"'
    response.writeHead(known ? 304 : 200, { ETag: '"1"' }).end(known ? undefined : 'tagged')
  },
  '/range': (response, request) => {
    if (request.headers.range === undefined) return void response.end('0123456789')
    response.writeHead(206, { 'Content-Range': 'bytes 2-4/10' }).end('234')
  },
  '/headers': (response, { headers }) =>
    void response.end(`${headers['cache-control']} ${headers.pragma} ${String(headers['x-field'])}`),
}

/** Answers `/status/<code>`, `/to/<status>/<path>`, and the paths of `answers`. */
export function fetchOrigin(): Promise<string> {
  return listen((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] as string
    const [, word, code, ...rest] = path.split('/')
    if (word === 'status')
      response.writeHead(Number(code)).end(bodiless.has(Number(code)) ? undefined : 'text')
    else if (word === 'to') response.writeHead(Number(code), { Location: `/${rest.join('/')}` }).end('moved')
    else void answers[path]?.(response, request)
  })
}

const bodiless = new Set([204, 304])
