/** A function among the options is ended as a REPL’s Ctrl-C ends it; the session goes on, with all that it has. */
import { runInThisContext } from 'node:vm'
import { SyncSession } from '../../../src/index.ts'

let isEndless = true
const goesOn = (): boolean => isEndless
const session = new SyncSession({
  baseUrl: process.argv[2] as string,
  cookies: true,
  cache: {
    cacheKey: () => {
      if (isEndless) process.kill(process.pid, 'SIGINT')
      while (goesOn());
      return 'key'
    },
  },
})
session.get('/cookies/set?kept=yes', { cache: false, redirect: 'manual' })
const ask = (): number => session.get('/uuid').status
Object.assign(globalThis, { ask })
try {
  runInThisContext('ask()', { breakOnSigint: true })
} catch (error) {
  console.log((error as NodeJS.ErrnoException).code)
}
await new Promise(setImmediate)
isEndless = false
console.log(ask(), session.get('/cookies', { cache: false }).text().includes('kept'))
session.close()
