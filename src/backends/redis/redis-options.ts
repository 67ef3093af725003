import type { ConnectionOptions } from 'node:tls'
import { checkOptions } from '../../core/check-options.ts'
import type { Clock } from '../../core/clock.ts'
import { type Duration, parsePositiveDuration, toMilliseconds } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { GivenClient } from './client-given.ts'
import type { ClientAddress, ClientLogin } from './client-library.ts'
import { recognise, type RedisConn } from './client-shape.ts'
import type { ClusterNode } from './cluster.ts'
import { parseLogin, parseNode, parseNodes, parseTls, parseUrl } from './redis-address.ts'
import { checkServerOptions, type TemporaryServerOptions } from './server-options.ts'

/**
 * Which Redis (or Valkey) server: `conn`, `cluster`, `url`, or `host` and `port`; only one of these. With none of
 * them a temporary server is started, which ends with this program.
 */
export interface RedisConnectionOptions extends TemporaryServerOptions {
  /** A client of yours, of `@redis/client` or ioredis: one server, a pool or a cluster. It stays yours to close. */
  readonly conn?: RedisConn
  /** Some nodes of a Redis Cluster; they know the others. Default host and port: `'127.0.0.1'` and 6379. */
  readonly cluster?: readonly Partial<ClusterNode>[]
  /** `redis://user:password@host:port/database`, `rediss://…` with TLS, or `unix:///path`. */
  readonly url?: string
  /** A name or an IP address. Default: `'127.0.0.1'`, when there is a `port`. */
  readonly host?: string
  /** Default: 6379, when there is a `host`. */
  readonly port?: number
  /** Whether to speak TLS, or how: `ca`, `cert`, `key`, `servername` and so on, as in `node:tls`. Default: false. */
  readonly tls?: boolean | ConnectionOptions
  /** Whom to log in as, with `password`. Default: `'default'`, Redis’s own first user. */
  readonly username?: string
  /** The password to log in with. Default: none. */
  readonly password?: string
  /** The version of the RESP protocol; servers before Redis 6 know only 2. Default: 3. */
  readonly protocol?: 2 | 3
  /** The number of the database; clusters have but one. Default: 0. */
  readonly database?: number
  /** How long one call to the server may take before it fails. Default: `'1s'`. */
  readonly callTimeout?: Duration
}

/** Options of a Redis backend. */
export interface RedisBackendOptions extends RedisConnectionOptions {
  /** Where time comes from; for tests. Default: the machine’s clock, beside that of the server. */
  readonly clock?: Clock
}

/** Which server is meant, and how to get there. */
export type RedisTarget =
  | { readonly kind: 'conn'; readonly client: GivenClient }
  | { readonly kind: 'server'; readonly address: ClientAddress }
  | {
      readonly kind: 'cluster'
      readonly nodes: readonly ClusterNode[]
      readonly tls: false | ConnectionOptions
      readonly login: ClientLogin
    }
  | { readonly kind: 'temporary'; readonly options: TemporaryServerOptions; readonly login: ClientLogin }

/** Checked options. */
export interface RedisSettings {
  readonly target: RedisTarget
  /** How long one call may take, in milliseconds. */
  readonly callTimeout: number
}

type Name = keyof RedisConnectionOptions

const login = ['username', 'password', 'protocol'] as const satisfies readonly Name[]
const ofTemporary = ['dbFilename', 'db', 'maxMemory', 'maxMemoryPolicy', 'decodeResponses'] as const

/** The options that say which server, the strongest first, and what may stand beside each. */
const companions: ReadonlyMap<Name, readonly Name[]> = new Map<Name, readonly Name[]>([
  ['conn', []],
  ['cluster', ['tls', ...login]],
  ['url', ['tls', 'database', ...login]],
  ['host', ['port', 'tls', 'database', ...login]],
  ['port', ['tls', 'database', ...login]],
])

/** What may stand where none of them does. */
const withoutAny: readonly Name[] = [...ofTemporary, 'database', ...login]

/** The names of the options that only say which server, and how to talk to it. */
export const redisOptionNames: readonly Name[] = [...companions.keys(), 'tls', ...withoutAny, 'callTimeout']

/** @throws OptionError naming what is wrong, or what cannot stand together */
export function parseRedisOptions(options: RedisBackendOptions, where = 'RedisBackend'): RedisSettings {
  checkOptions(options, [...redisOptionNames, 'clock'], where)
  checkCompanions(options)
  return {
    target: parseTarget(options),
    callTimeout: toMilliseconds(parsePositiveDuration(options.callTimeout ?? '1s', 'callTimeout')),
  }
}

function checkCompanions(options: RedisConnectionOptions): void {
  const given = redisOptionNames.filter((name) => name !== 'callTimeout' && options[name] !== undefined)
  const leader = given.find((name) => companions.has(name))
  const allowed = leader === undefined ? withoutAny : [leader, ...(companions.get(leader) as readonly Name[])]
  const wrong = given.find((name) => !allowed.includes(name))
  if (wrong === undefined) return
  if (leader === undefined) throw new OptionError(`${wrong}: it needs url, host or cluster beside it`)
  throw new OptionError(`${leader} and ${wrong}: they do not go together; leave one of them out`)
}

function parseTarget(options: RedisConnectionOptions): RedisTarget {
  const { conn, cluster, url, host, port } = options
  if (conn !== undefined) return { kind: 'conn', client: recognise(conn) }
  const user = parseLogin(options)
  const tls = parseTls(options.tls)
  if (cluster !== undefined) return { kind: 'cluster', nodes: parseNodes(cluster), tls, login: user }
  if (url !== undefined) return { kind: 'server', address: mergeUrl(parseUrl(url), options, user, tls) }
  if (host !== undefined || port !== undefined) {
    return { kind: 'server', address: { ...user, socket: { ...parseNode({ host, port }), tls } } }
  }
  const entries = [...ofTemporary, ...login].map((name) => [name, options[name]])
  const server = Object.fromEntries(
    entries.filter(([, value]) => value !== undefined),
  ) as TemporaryServerOptions
  checkServerOptions(server)
  return { kind: 'temporary', options: server, login: user }
}

/** What the URL says, and what stands beside it. */
function mergeUrl(
  address: Omit<ClientAddress, 'protocol'>,
  options: RedisConnectionOptions,
  user: ClientLogin,
  tls: false | ConnectionOptions,
): ClientAddress {
  for (const name of ['username', 'password', 'database'] as const) {
    if (address[name] === undefined || options[name] === undefined) continue
    throw new OptionError(`url and ${name}: the URL has one already; leave one of them out`)
  }
  const { socket } = address
  if (options.tls !== undefined && (tls === false) !== (socket.tls === false)) {
    throw new OptionError("url and tls: 'rediss://' is with TLS, 'redis://' and 'unix://' are without")
  }
  return {
    socket: socket.tls === false || tls === false ? socket : { ...socket, tls },
    protocol: user.protocol,
    username: address.username ?? user.username,
    password: address.password ?? user.password,
    database: address.database ?? user.database,
  }
}
