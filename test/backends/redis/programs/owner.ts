import type { TemporaryServerOptions } from '../../../../src/backends/redis/server-options.ts'
import { startTemporaryServer } from '../../../../src/backends/redis/temporary-server.ts'

/*
 * Starts a temporary server, prints where it is and ends as its first argument says: return (without closing
 * it), exit, throw, wait (for a signal), ignore (wait, and live on after SIGINT).
 */

const [ending, options] = process.argv.slice(2) as [string, string]
if (ending === 'ignore') process.on('SIGINT', () => process.stdout.write('SIGINT\n'))
const { pid, socketPath } = await startTemporaryServer(JSON.parse(options) as TemporaryServerOptions)
process.stdout.write(`${JSON.stringify({ pid, socketPath })}\n`)
if (ending === 'exit') process.exit(3)
if (ending === 'throw') throw new Error('nobody catches this')
if (ending === 'wait' || ending === 'ignore') setInterval(() => undefined, 60_000)
