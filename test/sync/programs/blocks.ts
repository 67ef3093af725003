/** Blocks for a minute: to be ended from outside. */
import { SyncSession } from '../../../src/index.ts'

const [url, listens] = process.argv.slice(2) as [string, string | undefined]
const session = new SyncSession({ baseUrl: url })
session.get('/ip')
if (listens === 'listens') process.on('SIGINT', () => process.exit(3))
process.stdout.write('blocking\n')
session.requests(['/delay/10', '/delay/10'], { progress: true })
