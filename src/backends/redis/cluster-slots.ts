import type { RedisReply } from './commands.ts'

/** How many slots a Redis Cluster has. */
export const slotCount = 16_384

/** A range of slots and where the master is that serves it. */
export interface SlotRange {
  readonly from: number
  readonly to: number
  readonly host: string
  readonly port: number
}

/**
 * The slot of a key: CRC16 (XMODEM) of it, or of its tag: what is between the first `{` and the next `}`, if that is
 * not nothing (redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec).
 */
export function slotOf(key: string): number {
  const open = key.indexOf('{')
  const close = open === -1 ? -1 : key.indexOf('}', open)
  const tag = close > open + 1 ? key.slice(open + 1, close) : key
  let crc = 0
  for (const byte of Buffer.from(tag)) {
    crc = ((crc << 8) ^ (crcTable[(crc >> 8) ^ byte] as number)) & 0xffff
  }
  return crc % slotCount
}

const crcTable = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  return crc
})

/**
 * Reads the reply to CLUSTER SLOTS.
 * @param askedHost the host of the node that was asked, which a node may leave out
 */
export function readSlots(reply: RedisReply, askedHost: string): SlotRange[] {
  return (reply as [from: number, to: number, master: [host: string | null, port: number]][]).map(
    ([from, to, [host, port]]) => ({ from, to, host: host === '' || host === null ? askedHost : host, port }),
  )
}

/** Where another node is that a node names: `MOVED 3999 127.0.0.1:6381`, `ASK 3999 :6381`. */
export interface Redirect {
  readonly kind: 'MOVED' | 'ASK'
  readonly slot: number
  /** The node’s own view; empty when it is that of the node that was asked. */
  readonly host: string
  readonly port: number
}

/** Reads an error reply; undefined when it is no redirect. */
export function readRedirect(message: string): Redirect | undefined {
  const [, kind, slot, host, port] = /^(MOVED|ASK) (\d+) (.*):(\d+)$/.exec(message) ?? []
  if (kind === undefined) return undefined
  return { kind: kind as 'MOVED' | 'ASK', slot: Number(slot), host: host as string, port: Number(port) }
}
