import type { Reply } from '../core/reply.ts'

/** Ends the stream of a reply that nobody will read, so that it does not hold its connection. */
export async function discard(reply: Reply): Promise<void> {
  await reply.stream?.[Symbol.asyncIterator]().return?.()
}
