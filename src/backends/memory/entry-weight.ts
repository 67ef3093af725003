import type { CacheEntry } from '../contract.ts'

/*
 * What an entry takes in this process’s memory, as V8 lays it out on 64 bits. Counted rather too much than too
 * little: strings that several entries share are counted in each.
 */

/** The entry, its group, their places in the map and the list of last uses, and what is known of it once it was used. */
const objects = 1_180
/** A typed array, its buffer, and the allocator’s own. */
const bytesHead = 208
const stringHead = 20
const slot = 8

/** Bytes that an entry takes, all in all. */
export function weightOf(entry: CacheEntry): number {
  let weight = objects + bytesHead + entry.body.byteLength
  weight += textWeight(entry.key) + textWeight(entry.variant) + textWeight(entry.url)
  for (let index = 1; index < entry.headers.length; index += 2) {
    weight += 2 * slot + textWeight(entry.headers[index] as string) // names are shared
  }
  return weight
}

/** One byte a character: those of fields and URLs need no more. */
function textWeight(text: string): number {
  return stringHead + text.length
}
