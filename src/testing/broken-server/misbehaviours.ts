import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipBomb, sampleGzip } from './gzip.ts'

/** What a misbehaviour may know. */
export interface Circumstances {
  /** See `BrokenServerOptions`. */
  readonly pause: number
  readonly megabytes: number
  /** How many requests this connection has had. */
  readonly requests: number
}

/** Does to a connection whose request is complete what a good server would not. */
type Misbehave = (socket: Socket, circumstances: Circumstances) => void | Promise<void>

const ok = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n'

function gzipped(content: Buffer): Buffer {
  const head = `${ok}Content-Encoding: gzip\r\nContent-Length: ${content.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), content])
}

/** A good answer that leaves the connection open. */
export const goodAnswer: string = `${ok}Content-Length: 2\r\n\r\nok`

/** Everything that a broken server can do, by name. */
export const misbehaviours = {
  /** Never answers. */
  hang: () => undefined,
  /** Breaks the connection by RST. With `after`: the keep-alive race. */
  reset: (socket) => void socket.resetAndDestroy(),
  /** Ends the connection in an orderly way, without an answer. */
  close: (socket) => void socket.end(),
  /** Ends the connection after 5 of the 100 bytes that Content-Length promised. */
  truncate: (socket) => void socket.end(`${ok}Content-Length: 100\r\n\r\nshort`),
  /** Ends the connection within a chunk. */
  truncateChunked: (socket) => void socket.end(`${ok}Transfer-Encoding: chunked\r\n\r\n64\r\nshort`),
  /** Sends more than Content-Length says, and leaves the connection open. */
  liar: (socket) => void socket.write(`${ok}Content-Length: 2\r\n\r\nok and then some`),
  /** Sends bytes that are no HTTP. */
  garbage: (socket) => void socket.end('\u0000\u0001 this is no HTTP \r\n\r\n'),
  /** Sends chunks whose sizes are no numbers. */
  chunkedGarbage: (socket) => void socket.end(`${ok}Transfer-Encoding: chunked\r\n\r\nno number\r\nok\r\n`),
  /** Sends two Content-Length fields that differ (RFC 9112, 6.3). */
  twoLengths: (socket) => void socket.end(`${ok}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`),
  /** Sends one header field after another, for ever. */
  headersForever: async (socket, { pause }) => {
    socket.write(ok)
    for (let number = 0; !socket.destroyed; number++) {
      socket.write(`X-Field-${number}: ${number}\r\n`)
      await sleep(pause)
    }
  },
  /** Sends one header field of 1 MB. */
  hugeHeader: (socket) => void socket.end(`${ok}X-Huge: ${'x'.repeat(1024 * 1024)}\r\n\r\n`),
  /** Redirects to another path of its own, for ever. */
  redirectForever: (socket, { requests }) =>
    void socket.write(`HTTP/1.1 302 Found\r\nLocation: /hop/${requests}\r\nContent-Length: 0\r\n\r\n`),
  /** Sends a body byte by byte, for ever. */
  dripBody: async (socket, { pause }) => {
    socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n`)
    while (!socket.destroyed) {
      socket.write('1\r\n*\r\n')
      await sleep(pause)
    }
  },
  /** Sends the head and half the body, then nothing more. */
  stallBody: (socket) => void socket.write(`${ok}Content-Length: 10\r\n\r\nhalf.`),
  /** Sends `megabytes` of zeros in a thousandth of the bytes. */
  gzipBomb: (socket, { megabytes }) => void socket.write(gzipped(gzipBomb(megabytes))),
  /** Says gzip and sends none. */
  badGzip: (socket) => void socket.write(gzipped(Buffer.from('this is no gzip'))),
  /** Sends a gzip whose second half is missing, with the Content-Length of what it sends. */
  truncatedGzip: (socket) => void socket.write(gzipped(sampleGzip.subarray(0, sampleGzip.length / 2))),
} satisfies Record<string, Misbehave>

/** The name of something that a broken server can do. */
export type Misbehaviour = keyof typeof misbehaviours
