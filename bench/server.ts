import { createServer, type AddressInfo, type Socket } from 'node:net'
import { staticContents } from '../src/testing/httpbin/static.ts'

/*
 * The program of the server that all clients are measured against. It gives one answer, 2,048 bytes of
 * JSON, whatever is asked. It does no more, so that it costs a third of what the fastest client does: a
 * server on node:http costs as much as that client, and would then be what is measured.
 */

const { bytes } = staticContents.get('/json') as { bytes: Buffer }
const head = [
  'HTTP/1.1 200 OK',
  'Content-Type: application/json',
  `Content-Length: ${bytes.length}`,
  `Date: ${new Date().toUTCString()}`,
  'Connection: keep-alive',
]
const answer = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes])

const server = createServer({ noDelay: true }, serve)
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())

/** Answers at the end of each head. Benchmarks send no content, so the next head follows. */
function serve(socket: Socket): void {
  let rest = ''
  socket.on('data', (chunk) => {
    const heads = (rest + chunk.toString('latin1')).split('\r\n\r\n')
    rest = heads.pop() as string
    for (const _ of heads) socket.write(answer)
  })
  socket.on('error', () => socket.destroy()) // a contestant that has ended
}
