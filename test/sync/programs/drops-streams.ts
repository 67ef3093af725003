/** Drops streams, unread and half read, and waits until the server has none open but the one that is kept. Needs --expose-gc. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SyncSession } from '../../../src/index.ts'

const session = new SyncSession({ baseUrl: process.argv[2] as string })
const open = (): number => Number(session.get('/open').text())

function drop(): void {
  for (let made = 0; made < 5; made++) session.stream('/')
  for (let made = 0; made < 5; made++) session.stream('/')[Symbol.iterator]().next()
}

const kept = session.stream('/')
drop()
console.log(open())
while (open() > 1) {
  globalThis.gc?.()
  await sleep(10)
}
console.log(open(), String(kept[Symbol.iterator]().next().value))
process.exit()
