/**
 * A network in a process of its own: what comes in on its port goes to the server, and what that says comes back,
 * each piece of data after a while that is drawn anew, none overtaking another. Sends its port; and whenever it is sent
 * something, by how many milliseconds the latest piece took longer than any should.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'

/** The argument, as JSON. */
export interface Network {
  /** The port of the server. */
  readonly port: number
  /** How long a piece of data travels: at least and at most, in milliseconds. */
  readonly delay: readonly [least: number, most: number]
}

/** Something that travels. Instants are milliseconds of `performance.now()`. */
interface Piece {
  /** When it is due. */
  readonly at: number
  /** When it should be there at the latest. */
  readonly latest: number
  readonly arrive: () => void
}

const { port, delay } = JSON.parse(process.argv[2] as string) as Network
const [least, most] = delay
let overdue = 0

const network = createServer({ noDelay: true }, (near) => {
  const beyond = connect({ port, host: '127.0.0.1', noDelay: true })
  carry(near, beyond)
  carry(beyond, near)
})
network.listen(0, '127.0.0.1', () => process.send?.((network.address() as AddressInfo).port))
process.on('message', () => process.send?.(overdue))
process.on('disconnect', () => process.exit())

/** Hands on what comes from one side, late to the millisecond, and in its order: timers of their own might overtake one another. */
function carry(from: Socket, to: Socket): void {
  const onTheWay: Piece[] = []
  let lastAt = 0
  const look = (): void => {
    for (let [first] = onTheWay; first !== undefined; [first] = onTheWay) {
      const now = performance.now()
      if (first.at - now >= 1) return void setTimeout(look, first.at - now)
      onTheWay.shift()
      overdue = Math.max(overdue, now - first.latest)
      first.arrive()
    }
  }
  const later = (arrive: () => void): void => {
    const since = waitingSince()
    lastAt = Math.max(lastAt, since + least + (most - least) * Math.random())
    if (onTheWay.push({ at: lastAt, latest: since + most, arrive }) === 1) {
      setTimeout(look, Math.max(0, lastAt - performance.now()))
    }
  }
  from.on('data', (chunk) => later(() => to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  from.on('error', () => to.destroy())
  from.on('close', () => later(() => to.destroySoon()))
}

let idle = 0
let busySince = 0

/**
 * Since when what is read now may have lain there: for no time if the event loop has just waited for it, else since it
 * waited last. So what this process is late itself is part of the journey, not on top of it.
 */
function waitingSince(): number {
  const { idleTime } = performance.nodeTiming
  if (idleTime !== idle) {
    idle = idleTime
    busySince = performance.now()
  }
  return busySince
}
