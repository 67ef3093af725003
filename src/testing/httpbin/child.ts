import { httpbin, type HttpbinOptions } from '../httpbin.ts'

/*
 * The program that spawnHttpbin() runs in a process of its own. It lives as long as the channel to
 * its parent, which closes however the parent ends.
 */

/** What the parent may ask for. */
export type Question = 'arrivals' | 'instants' | 'count' | 'clear'

/** What the child says: first where it is, or why it is nowhere; then one answer per question, in order. */
export type Message =
  | { readonly kind: 'listening'; readonly url: string; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'answer'; readonly value: unknown }

function send(message: Message): void {
  process.send?.(message)
}

process.on('disconnect', () => process.exit())
// Ctrl-C reaches the whole group; the parent may still need its server to finish what it does.
process.on('SIGINT', () => undefined)

try {
  const server = await httpbin(JSON.parse(process.argv[2] ?? '{}') as HttpbinOptions)
  process.on('message', (question: Question) => {
    send({ kind: 'answer', value: question === 'clear' ? server.clear() : server[question] })
  })
  send({ kind: 'listening', url: server.url, port: server.port })
} catch (error) {
  send({ kind: 'failed', message: (error as Error).message })
}
