import { channel } from 'node:diagnostics_channel'

/** A stored response that could not be read any more, and was dropped. */
export interface CorruptEntryEvent {
  /** Where it was: `'sqlite'`, `'redis'`. */
  readonly backend: string
  /** The primary cache key that it was under. */
  readonly key: string
}

const corruptEntries = channel('http-sessions:cache:corrupt')

/** Tells whoever listens to `http-sessions:cache:corrupt` on `node:diagnostics_channel`. */
export function reportCorruptEntry(event: CorruptEntryEvent): void {
  corruptEntries.publish(event)
}
