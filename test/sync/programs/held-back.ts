/** Answers once it is told to, with a content that has no end; tells when nobody reads it any more. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const told = once(process, 'message')
const server = createServer((_, response) => {
  void told.then(() => response.write('a beginning'))
  response.on('close', () => process.send?.('closed'))
}).listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
