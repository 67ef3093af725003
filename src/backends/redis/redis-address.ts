import type { ConnectionOptions } from 'node:tls'
import { checkInteger } from '../../core/check-options.ts'
import { describe } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { ClientAddress, ClientLogin } from './client-library.ts'
import type { ClusterNode } from './cluster.ts'

const defaultHost = '127.0.0.1'
const defaultPort = 6379
const highestPort = 65_535

const shapes = "'redis://user:password@host:port/database', 'rediss://…' with TLS, or 'unix:///path'"

/** What a URL says. A message never shows it, for it may have a password. @throws OptionError */
export function parseUrl(value: unknown): Omit<ClientAddress, 'protocol'> {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined) throw new OptionError(`url: it is no URL; write ${shapes}`)
  const login = {
    username: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
  }
  if (url.protocol === 'unix:') {
    const db = url.searchParams.get('db')
    return {
      ...login,
      database: db === null ? undefined : parseDatabase(Number(db), 'url: the database'),
      socket: { path: decodeURIComponent(url.pathname), tls: false },
    }
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new OptionError(`url: '${url.protocol}' is not known; write ${shapes}`)
  }
  const path = url.pathname.slice(1)
  return {
    ...login,
    database: path === '' ? undefined : parseDatabase(Number(path), 'url: the database'),
    socket: {
      host: url.hostname === '' ? defaultHost : url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? defaultPort : Number(url.port),
      tls: url.protocol === 'rediss:' ? {} : false,
    },
  }
}

/** @param option the name of what has `host` and `port`; empty for the options themselves */
export function parseNode(value: unknown, option = ''): ClusterNode {
  if (typeof value !== 'object' || value === null) {
    throw new OptionError(`${option}: ${describe(value)} is no node; write { host, port }`)
  }
  const { host = defaultHost, port = defaultPort } = value as { host?: unknown; port?: unknown }
  const prefix = option === '' ? '' : `${option}.`
  if (typeof host !== 'string' || host === '' || /[\s/@]/.test(host)) {
    throw new OptionError(`${prefix}host: ${describe(host)} must be a name or an IP address`)
  }
  if (checkInteger(port, 1, `${prefix}port`) <= highestPort) return { host, port: port as number }
  throw new OptionError(`${prefix}port: ${describe(port)} must be at most ${highestPort}`)
}

export function parseNodes(value: unknown): readonly ClusterNode[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.map((node, index) => parseNode(node, `cluster[${index}]`))
  }
  throw new OptionError(`cluster: ${describe(value)} must be a list of nodes, such as [{ host, port }]`)
}

/** Options of TLS; false without it. */
export function parseTls(value: unknown): false | ConnectionOptions {
  if (value === undefined || typeof value === 'boolean') return value === true && {}
  if (typeof value === 'object' && value !== null) return value
  throw new OptionError(`tls: ${describe(value)} must be true, false or an object with options of node:tls`)
}

/** Whom to log in as, and how to speak. A message never shows a password. */
export function parseLogin(options: {
  readonly username?: unknown
  readonly password?: unknown
  readonly protocol?: unknown
  readonly database?: unknown
}): ClientLogin {
  const { username, password, protocol = 3, database } = options
  if (password !== undefined && (typeof password !== 'string' || password === '')) {
    throw new OptionError('password: it must be text, and not empty')
  }
  if (username !== undefined && (typeof username !== 'string' || username === '')) {
    throw new OptionError(`username: ${describe(username)} must be text, and not empty`)
  }
  if (protocol !== 2 && protocol !== 3)
    throw new OptionError(`protocol: ${describe(protocol)} must be 2 or 3`)
  return {
    username,
    password,
    protocol,
    database: database === undefined ? undefined : parseDatabase(database, 'database'),
  }
}

function parseDatabase(value: unknown, option: string): number {
  return checkInteger(value, 0, option)
}
