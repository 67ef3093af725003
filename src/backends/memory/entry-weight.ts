import type { CacheEntry } from '../contract.ts'

/*
 * What an entry takes in this process’s memory, as V8 lays it out on 64 bits. Counted rather too much than too
 * little: strings that several entries share are counted in each.
 */

/** The entry, its group, their places in the map and the list of last uses, and what is known of it once it was used. */
const objects = 1_180
/** A typed array, and its buffer. */
const bytesHead = 208
/** What is beside a buffer outside of V8’s heap, the allocator’s own included; short contents lie in the heap. */
const bufferHead = 160
const longestInHeap = 64
const stringHead = 20
const slot = 8

/** Bytes that an entry takes, all in all. */
export function weightOf(entry: CacheEntry): number {
  const { byteLength } = entry.body
  let weight = objects + bytesHead + byteLength + (byteLength > longestInHeap ? bufferHead : 0)
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
