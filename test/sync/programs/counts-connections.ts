/** Answers each request with a content that has no end, and `/open` with the number of those that are open. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

let open = 0
const server = createServer((request, response) => {
  if (request.url === '/open') return response.end(String(open))
  open++
  response.on('close', () => open--)
  return response.write('a beginning')
}).listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
