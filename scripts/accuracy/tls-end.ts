/** The server's end of TLS in a process of its own: takes it off, and hands on what is within to the server. Prints its port. */
import { connect, type AddressInfo } from 'node:net'
import { createServer } from 'node:tls'

/** The argument, as JSON. */
export interface TlsEnd {
  /** The port of the server. */
  readonly port: number
  /** PEM. */
  readonly cert: string
  readonly key: string
}

const { port, cert, key } = JSON.parse(process.argv[2] as string) as TlsEnd

const server = createServer({ cert, key, noDelay: true }, (secure) => {
  const plain = connect({ port, host: '127.0.0.1', noDelay: true })
  secure.pipe(plain).pipe(secure)
  secure.on('error', () => plain.destroy())
  plain.on('error', () => secure.destroy())
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
