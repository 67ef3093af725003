/** Uses sessions, closes none of them, and tells when it had nothing more to do. */
import { SyncSession } from '../../../src/index.ts'

const [url, count] = process.argv.slice(2) as [string, string]
const sessions = Array.from({ length: Number(count) }, () => new SyncSession({ baseUrl: url }))
const statuses = sessions.map((session) => session.get('/ip').status)
const stream = sessions[0]?.stream('/stream-bytes/3000000')
console.log(JSON.stringify({ statuses, stream: stream?.status, lastLineAt: Date.now() }))
