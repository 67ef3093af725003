import { checkInteger } from '../core/check-options.ts'

/** Most bytes that a cache store keeps where nobody says otherwise: 256 MiB. */
export const defaultMaxSize = 268_435_456

/** Most bytes of one entry’s content: 32 MiB. */
export const defaultMaxEntrySize = 33_554_432

/** Checks both where they are given. @throws OptionError */
export function checkSizes({ maxSize, maxEntrySize }: { maxSize?: number; maxEntrySize?: number }): void {
  if (maxSize !== undefined) checkInteger(maxSize, 1, 'maxSize')
  if (maxEntrySize !== undefined) checkInteger(maxEntrySize, 1, 'maxEntrySize')
}
