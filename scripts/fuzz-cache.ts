/** Header sets through the parsers and the policy of the cache: `node scripts/fuzz-cache.ts [runs] [seed]`. */
import { checkPolicy } from '../test/cache/header-fuzz.ts'

const [runs = '200000', seed = String(Date.now() % 2_147_483_647)] = process.argv.slice(2)
checkPolicy(Number(runs), Number(seed))
console.log(
  `${runs} header sets, seed ${seed}: nothing thrown, nothing stored that says no-store, no age below zero`,
)
