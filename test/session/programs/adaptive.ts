/**
 * One of the processes that share a limit in an SQLite file: makes a request for each URL that it is told, and says
 * with which status it came back after how many attempts.
 */
import { createInterface } from 'node:readline'
import { Session } from '../../../src/index.ts'

const [db] = process.argv.slice(2) as [string]

await using session = new Session({
  ratelimit: { backend: 'sqlite', db, limit: 10, window: '1s', perHost: true },
})
process.stdout.write('ready\n')
for await (const url of createInterface({ input: process.stdin })) {
  const { status, attempts } = await session.get(url)
  process.stdout.write(`${status} after ${attempts}\n`)
}
