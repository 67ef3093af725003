import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { OptionError } from '../../core/errors.ts'

/** Where a server is. */
export interface Address {
  readonly url: string
  readonly port: number
}

/**
 * Lets a server listen.
 * @throws OptionError when the port is taken or may not be used
 */
export async function listen(server: Server, port: number, host: string): Promise<Address> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    throw new OptionError(`port: ${explain(cause as NodeJS.ErrnoException, port, host)}`, { cause })
  }
  const { port: actual } = server.address() as AddressInfo
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`, port: actual }
}

function explain({ code, message }: NodeJS.ErrnoException, port: number, host: string): string {
  if (code === 'EADDRINUSE') return `${port} is in use on ${host}; take another, or 0 for any that is free`
  if (code === 'EACCES') return `${port} needs privileges; take one above 1023, or 0 for any that is free`
  return `cannot listen on ${host}, port ${port}: ${message}`
}
