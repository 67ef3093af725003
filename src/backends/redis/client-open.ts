import { GivenLink } from './client-given.ts'
import { type ClientLogin, loadLibrary } from './client-library.ts'
import type { Link } from './client-link.ts'
import { Cluster, type ClusterNode } from './cluster.ts'
import { Connection } from './connection.ts'
import type { RedisSettings } from './redis-options.ts'
import type { TemporaryServerOptions } from './server-options.ts'
import { startTemporaryServer } from './temporary-server.ts'

/**
 * Makes the link to the server that is meant. Servers of others are not connected to yet; a temporary one is started.
 * @param lost called when that has ended, so that another one is needed
 * @throws SessionError ERR_BACKEND when `@redis/client` is not installed, or no server starts
 */
export async function openLink({ target, callTimeout }: RedisSettings, lost: () => void): Promise<Link> {
  if (target.kind === 'conn') return new GivenLink(target.client)
  if (target.kind === 'temporary') return openTemporary(target.options, target.login, lost)
  const create = await loadLibrary()
  if (target.kind === 'server') return new Connection(target.address, create)
  const { nodes, login, tls } = target
  const connect = (node: ClusterNode): Connection =>
    new Connection({ ...login, socket: { ...node, tls } }, create)
  return new Cluster(nodes, connect, callTimeout)
}

async function openTemporary(
  options: TemporaryServerOptions,
  login: ClientLogin,
  lost: () => void,
): Promise<Link> {
  const create = await loadLibrary()
  const server = await startTemporaryServer(options)
  server.onExit(lost)
  const connection = new Connection({ ...login, socket: { path: server.socketPath, tls: false } }, create)
  return {
    name: connection.name,
    keyPrefix: connection.keyPrefix,
    clustered: connection.clustered,
    send: (command, bytes, deadline) => connection.send(command, bytes, deadline),
    masters: () => connection.masters(),
    async close() {
      await connection.close()
      await server.close()
    },
  }
}
