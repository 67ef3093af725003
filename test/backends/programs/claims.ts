/** Claims the leases of 200 keys when it is told to, as fast as it can, and says which of them it got. */
import { once } from 'node:events'
import { type CachePlace, openPlace } from '../../support/cache-killing.ts'

const [place, token, span] = process.argv.slice(2) as [string, string, string]
await using backend = openPlace(JSON.parse(place) as CachePlace)
await backend.cache.claim(`Test:${token}`, token, 1_000)
console.log('ready')
await once(process.stdin, 'data')
const got: number[] = []
for (let key = 0; key < 200; key++) {
  if (await backend.cache.claim(`Test:${key}`, token, Number(span))) got.push(key)
}
console.log(JSON.stringify(got))
process.stdin.destroy()
