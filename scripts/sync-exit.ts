/**
 * How long processes with blocking sessions take from their last line to their end, in milliseconds: the median of some, for
 * one session, for many with a worker each, and for many that share one. `node scripts/sync-exit.ts [count] [rounds]`
 */
import { run } from '../test/support/run.ts'
import { spawnHttpbin } from '../src/testing/index.ts'

const count = Number(process.argv[2] ?? 50)
const rounds = Number(process.argv[3] ?? 5)

await using server = await spawnHttpbin({ log: false })
const index = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)

/** Makes so many sessions, has each make a request, and says when it has nothing more to do. */
const program = (sessions: number, isShared: boolean): string => `
  import { SyncSession } from ${index}
  const sessions = []
  while (sessions.length < ${sessions}) {
    sessions.push(new SyncSession({ baseUrl: '${server.url}', worker: ${isShared} ? sessions[0] : undefined }))
  }
  for (const session of sessions) session.get('/ip')
  process.stdout.write('last')`

for (const [what, sessions, isShared] of [
  ['no session', 0, false],
  ['one session', 1, false],
  [`${count} sessions, a worker each`, count, false],
  [`${count} sessions in one worker`, count, true],
] as const) {
  const taken: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { lingered, status, stderr } = await run([
      '--input-type=module',
      '--eval',
      program(sessions, isShared),
    ])
    if (status !== 0) throw new Error(stderr)
    taken.push(lingered)
  }
  const median = taken.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] as number
  console.log(`${what}: ${median.toFixed(0)} ms`)
}
