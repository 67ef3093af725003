/** Drops a batch that has shown one response, and waits until its bar has ended. Needs --expose-gc. */
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { SyncSession } from '../../../src/index.ts'

let text = ''
const stream = Object.assign(
  new Writable({
    write(chunk: Buffer, _, done) {
      text += chunk.toString()
      done()
    },
  }),
  { isTTY: true, columns: 80 },
)
const session = new SyncSession({ baseUrl: process.argv[2] as string })

function drop(): void {
  const urls = ['/ip', '/delay/60', '/delay/60']
  console.log(session.iterate(urls, { progress: { stream } }).next().value?.status)
}

drop()
while (!text.includes('\n')) {
  globalThis.gc?.()
  await sleep(10)
}
const drawn = text.length
session.get('/delay/0.3')
console.log(text.split('\n')[0]?.includes('1/3'), text.length - drawn)
