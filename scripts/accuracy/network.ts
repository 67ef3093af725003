/**
 * A network in a process of its own: what comes in on its port goes to the server, and what that says comes back,
 * each piece of data after a while that is drawn anew, none overtaking another. With a certificate the server's end
 * of it speaks TLS, so that handshakes travel, too. Prints its port.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** The argument, as JSON. */
export interface Network {
  /** The port of the server. */
  readonly port: number
  /** How long a piece of data travels: at least and at most, in milliseconds. */
  readonly delay: readonly [least: number, most: number]
  readonly certificate: { readonly cert: string; readonly key: string } | undefined
}

const { port, delay, certificate } = JSON.parse(process.argv[2] as string) as Network
const [least, most] = delay

const far = certificate === undefined ? port : await serveTls(certificate)
const network = createServer({ noDelay: true }, (near) => {
  const beyond = connect({ port: far, host: '127.0.0.1', noDelay: true })
  carry(near, beyond)
  carry(beyond, near)
})
network.listen(0, '127.0.0.1', () => process.send?.((network.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())

/** Hands on what comes from one side, late to the millisecond, and in its order: timers of their own might overtake one another. */
function carry(from: Socket, to: Socket): void {
  const onTheWay: { readonly at: number; readonly arrive: () => void }[] = []
  let lastAt = 0
  const look = (): void => {
    for (let [first] = onTheWay; first !== undefined; [first] = onTheWay) {
      const wait = first.at - performance.now()
      if (wait >= 1) return void setTimeout(look, wait)
      onTheWay.shift()
      first.arrive()
    }
  }
  const later = (arrive: () => void): void => {
    lastAt = Math.max(lastAt, performance.now() + least + (most - least) * Math.random())
    if (onTheWay.push({ at: lastAt, arrive }) === 1) setTimeout(look, lastAt - performance.now())
  }
  from.on('data', (chunk) => later(() => to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  from.on('error', () => to.destroy())
  from.on('close', () => later(() => to.destroySoon()))
}

/** @returns the port of a server that takes TLS off */
async function serveTls(pair: { cert: string; key: string }): Promise<number> {
  const server = createTlsServer(pair, (secure) => {
    const plain = connect({ port, host: '127.0.0.1', noDelay: true })
    secure.pipe(plain).pipe(secure)
    secure.on('error', () => plain.destroy())
    plain.on('error', () => secure.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
