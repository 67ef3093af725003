import type { CacheEntry } from '../contract.ts'
import { type PackedEntry, pieceSize } from '../packed-entry.ts'

/** Two hashes, their places in the tables of keys and expiries, and a row in each index of sizes. */
const listing = 640
/** A string’s own head, and that of its field. */
const valueHead = 64

/**
 * The memory that an entry takes in a server with the allocator that Redis and Valkey bring along, jemalloc: what that
 * hands out is of one of four sizes between two powers of two.
 */
export function roomOf({ key, variant }: CacheEntry, { pieces, size }: PackedEntry): number {
  const names = 6 * key.length + 2 * variant.length
  const last = size - (pieces - 1) * pieceSize
  return listing + names + (pieces - 1) * allocated(pieceSize + valueHead) + allocated(last + valueHead)
}

function allocated(bytes: number): number {
  const step = 2 ** Math.max(Math.floor(Math.log2(bytes)) - 2, 4)
  return Math.ceil(bytes / step) * step
}
