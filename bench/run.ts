/**
 * Measures http-sessions side by side with its peers, and prints tables in Markdown. Every contestant
 * and the server run in processes of their own.
 *
 *   npm run bench -- --only clients --rounds 3 --requests 5000
 */
import os from 'node:os'
import { parseArgs } from 'node:util'
import { compare } from './compare.ts'
import { prepare } from './prepare.ts'
import { toTable } from './report.ts'
import { sections } from './sections.ts'
import { startServer } from './start-server.ts'

const usage = `npm run bench -- [options]
  --only NAME     one of ${Object.keys(sections).join(', ')}; may be given several times (default: all)
  --rounds N      rounds; the tables show the medians (default: 5)
  --requests N    requests in a round of the clients; the others change in proportion (default: 20000)`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: Object.keys(sections) },
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '20000' },
    help: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const share = Number(values.requests) / 20_000
const chosen = values.only.map((name) => sections[name])
const valid = Number.isInteger(rounds) && rounds > 0 && share > 0

if (values.help || !valid || chosen.includes(undefined)) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = values.help ? 0 : 2
} else {
  await main()
}

async function main(): Promise<void> {
  prepare()
  console.log(
    `Medians of ${rounds} rounds, on ${os.availableParallelism()} cores, Node ${process.versions.node}.`,
  )
  for (const section of chosen) {
    if (section === undefined) continue
    await using server = await startServer(section.needs ?? 'http')
    const count = Math.ceil(section.count * share)
    const schedule = { rounds, turns: section.turns ?? 2, count }
    const path = section.path ?? (server.requests === undefined ? '' : '/json')
    const results = await compare(section.entries, server, path, schedule, showRound)
    clearLine()
    console.log(`\n### ${section.title}\n\n${section.text}\n\n${toTable(section, results)}`)
  }
}

/** One line that is written over, where there is a terminal. */
function showRound(round: number): void {
  clearLine()
  if (process.stderr.isTTY) process.stderr.write(`bench: round ${round} of ${rounds}`)
}

function clearLine(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}
