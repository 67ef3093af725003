/**
 * A million URLs from a generator through `for await` against a local server in a process of its own:
 * prints how far the generator ran ahead and what memory it took. `node scripts/million.ts [count]`
 */
import { Session } from '../src/index.ts'
import { spawnHttpbin } from '../src/testing/index.ts'

const count = Number(process.argv[2] ?? 1_000_000)
const concurrency = 50
const step = count / 10

await using server = await spawnHttpbin({ log: false })
await using session = new Session({ baseUrl: server.url })

let pulled = 0
let delivered = 0
let furthest = 0

function* urls(): Generator<string, void, undefined> {
  while (pulled < count) {
    pulled++
    furthest = Math.max(furthest, pulled - delivered)
    yield `/json?id=${pulled}`
  }
}

const startedAt = performance.now()
for await (const response of session.requests(urls(), { concurrency })) {
  if (!response.ok) throw new Error(`status ${response.status}`)
  delivered++
  if (delivered % step === 0) {
    const { rss, heapUsed } = process.memoryUsage()
    const seconds = (performance.now() - startedAt) / 1_000
    console.log(
      `${delivered} in ${seconds.toFixed(1)} s: RSS ${megabytes(rss)}, heap ${megabytes(heapUsed)}, furthest ahead ${furthest}`,
    )
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`
}
