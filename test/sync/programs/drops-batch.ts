/** Drops a batch that has shown one response, and waits until its bar has ended. Needs --expose-gc. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SyncSession } from '../../../src/index.ts'
import { RecordedTerminal } from '../recorded-terminal.ts'

const stream = new RecordedTerminal()
const session = new SyncSession({ baseUrl: process.argv[2] as string })

function drop(): void {
  const urls = ['/ip', '/delay/60', '/delay/60']
  console.log(session.iterate(urls, { progress: { stream } }).next().value?.status)
}

drop()
while (!stream.text.includes('\n')) {
  globalThis.gc?.()
  await sleep(10)
}
const drawn = stream.text.length
session.get('/delay/0.3')
console.log(stream.text.split('\n')[0]?.includes('1/3'), stream.text.length - drawn)
