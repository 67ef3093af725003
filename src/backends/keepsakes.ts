/**
 * What the name of a keepsake begins with: a limit of one process alone, by which it sees that a store remembers. It lies
 * under the prefix of whoever uses the store, for a server may allow no other, and no `clear` removes it.
 */
export const keepsake = 'http-sessions keepsake '

/** Whether a limit of this name is one. */
export function isKeepsake(name: string): boolean {
  return name.startsWith(keepsake)
}
