/** Answers with as many bytes as are asked for, and counts those that come. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  let received = 0
  request.on('data', (chunk: Buffer) => (received += chunk.length))
  request.on('end', () => {
    if (request.method === 'PUT') response.end(String(received))
    else response.end(Buffer.alloc(Number(request.url?.slice(1)), 'a'))
  })
}).listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
