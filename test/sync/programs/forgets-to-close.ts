/** Uses sessions, and closes none of them, nor a stream. */
import { SyncSession } from '../../../src/index.ts'

const [url, count] = process.argv.slice(2) as [string, string]
const sessions = Array.from({ length: Number(count) }, () => new SyncSession({ baseUrl: url }))
const statuses = new Set(sessions.map((session) => session.get('/ip').status))
const stream = sessions[0]?.stream('/stream-bytes/3000000')
console.log(sessions.length, ...statuses, stream?.status)
