import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, RedisServer } from './redis-server.ts'

const slots = 16_384
const patience = 20_000 // ms; machines of tests are busy

/** A Redis Cluster for tests: three masters, each with a replica if wanted. Gone when this process ends. */
export interface RedisCluster {
  readonly masters: readonly RedisServer[]
  readonly replicas: readonly RedisServer[]
}

export async function startCluster({ replicas = false } = {}): Promise<RedisCluster> {
  const servers = await Promise.all(Array.from({ length: replicas ? 6 : 3 }, startNode))
  const masters = servers.slice(0, 3)
  const [first] = masters as [RedisServer]
  for (const [index, server] of servers.entries()) {
    const done = [await server.ask(`CLUSTER SET-CONFIG-EPOCH ${index + 1}`)]
    const bound = (part: number): number => Math.ceil((part * slots) / 3)
    if (index < 3)
      done.push(await server.ask(`CLUSTER ADDSLOTSRANGE ${bound(index)} ${bound(index + 1) - 1}`))
    if (server !== first)
      done.push(await first.ask(`CLUSTER MEET 127.0.0.1 ${server.port} ${await busPort(server)}`))
    assert.ok(
      done.every((reply) => reply === '+OK\r\n'),
      done.join(),
    )
  }
  const knowsAll = new RegExp(`^cluster_known_nodes:${servers.length}\r$`, 'm')
  await until(servers, 'CLUSTER INFO', (info) => knowsAll.test(info))
  for (const [index, replica] of servers.slice(3).entries()) {
    const [, id] = /\r\n(\w{40})\r\n/.exec(
      await (masters[index] as RedisServer).ask('CLUSTER MYID'),
    ) as unknown as [string, string]
    // It learns of a master by gossip
    await until([replica], `CLUSTER REPLICATE ${id}`, (reply) => reply === '+OK\r\n')
  }
  await until(servers, 'CLUSTER INFO', (info) => info.includes('cluster_state:ok'))
  await until(servers.slice(3), 'INFO replication', (info) => info.includes('master_link_status:up'))
  return { masters, replicas: servers.slice(3) }
}

/** Asks until each answers as it should. */
export async function until(
  servers: readonly RedisServer[],
  command: string,
  isRight: (reply: string) => boolean,
): Promise<void> {
  const deadline = performance.now() + patience
  for (const server of servers) {
    for (let reply = await server.ask(command); !isRight(reply); reply = await server.ask(command)) {
      assert.ok(performance.now() < deadline, `${command}: ${reply}`)
      await delay(20)
    }
  }
}

async function startNode(): Promise<RedisServer> {
  const bus = await freePort()
  return RedisServer.start(
    ...[
      '--cluster-enabled',
      'yes',
      '--cluster-port',
      String(bus),
      '--cluster-config-file',
      `nodes-${bus}.conf`,
    ],
    ...['--cluster-node-timeout', '1000', '--cluster-require-full-coverage', 'no'],
  )
}

async function busPort(server: RedisServer): Promise<string> {
  const [, port] = /cluster-port\r\n\$\d+\r\n(\d+)/.exec(
    await server.ask('CONFIG GET cluster-port'),
  ) as unknown as [string, string]
  return port
}
