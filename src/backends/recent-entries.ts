import type { CacheEntry } from './contract.ts'
import { type OpenedEntry, openEntry, pieceId, type Unreadable } from './packed-entry.ts'

/** Larger pieces are not remembered. */
const largestPiece = 16_384
/** Most bytes of all that are. */
const mostBytes = 4_194_304

/** An entry of one piece, and the bytes that it was read from. */
interface Recent {
  readonly piece: Uint8Array
  readonly entry: CacheEntry
}

/**
 * Reads entries of one piece, and remembers the last ones, so that the same bytes need not be read again: they are the
 * same entry, and the same object. Its content is a part of the bytes that are compared, so that whoever changes it,
 * against all rules, changes what only they were given.
 */
export class RecentEntries {
  readonly #entries = new Map<number, Recent>()
  #bytes = 0

  /** The entry of a first piece; the piece, opened, when there are others; or why it cannot be read. */
  open(piece: Uint8Array, key: string): CacheEntry | OpenedEntry | Unreadable {
    const id = piece.byteLength > largestPiece ? undefined : pieceId(piece)
    if (id !== undefined) {
      const known = this.#entries.get(id)
      if (known !== undefined && known.entry.key === key && isSame(known.piece, piece)) return known.entry
    }
    const kept = id === undefined ? piece : new Uint8Array(piece) // it may be a part of something larger
    const opened = openEntry(kept, key)
    if (typeof opened !== 'object' || opened.content.byteLength !== opened.length) return opened
    const entry = { ...opened.metadata, body: opened.content }
    if (id !== undefined) this.#remember(id, { piece: kept, entry })
    return entry
  }

  #remember(id: number, recent: Recent): void {
    this.#forget(id)
    this.#entries.set(id, recent)
    this.#bytes += recent.piece.byteLength
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= mostBytes) return
      this.#forget(oldest)
    }
  }

  #forget(id: number): void {
    this.#bytes -= this.#entries.get(id)?.piece.byteLength ?? 0
    this.#entries.delete(id)
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && Buffer.compare(one, other) === 0
}
