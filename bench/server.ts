import { createServer, type AddressInfo, type Socket } from 'node:net'
import { staticContents } from '../src/testing/httpbin/static.ts'

/*
 * The program of the server that all clients are measured against. It gives one of three answers by the path that is asked
 * for, whatever else is. It does no more, so that it costs a third of what the fastest client does: a
 * server on node:http costs as much as that client, and would then be what is measured.
 */

const { bytes: json } = staticContents.get('/json') as { bytes: Buffer }
const kept = 'Cache-Control: max-age=86400'

/** 2,048 bytes of JSON; the same for caches; 200 KB for caches. */
const answers: Readonly<Record<string, Buffer>> = {
  '/json': answer(json, 'application/json'),
  '/kept': answer(json, 'application/json', kept),
  '/large': answer(Buffer.alloc(200_000, 'http-sessions'), 'application/octet-stream', kept),
}

function answer(content: Buffer, type: string, ...more: readonly string[]): Buffer {
  const head = [
    'HTTP/1.1 200 OK',
    `Content-Type: ${type}`,
    `Content-Length: ${content.length}`,
    `Date: ${new Date().toUTCString()}`,
    'Connection: keep-alive',
    ...more,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), content])
}

let requests = 0
const server = createServer({ noDelay: true }, serve)
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
process.on('message', () => process.send?.(requests)) // whatever is said, it means: how many so far?

/** Answers at the end of each head. Benchmarks send no content, so the next head follows. */
function serve(socket: Socket): void {
  let rest = ''
  socket.on('data', (chunk) => {
    const heads = (rest + chunk.toString('latin1')).split('\r\n\r\n')
    rest = heads.pop() as string
    requests += heads.length
    for (const head of heads) socket.write(answers[pathOf(head)] as Buffer)
  })
  socket.on('error', () => socket.destroy()) // a contestant that has ended
}

function pathOf(head: string): string {
  const start = head.indexOf(' ') + 1
  const end = head.indexOf(' ', start)
  const question = head.indexOf('?', start)
  return head.slice(start, question === -1 || question > end ? end : question)
}
