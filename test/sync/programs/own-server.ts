/** Asks a server that lives in the thread which it blocks. */
import { createServer } from 'node:http'
import { SessionConfig, SyncSession, TimeoutError } from '../../../src/index.ts'

const [how] = process.argv.slice(2)
const server = createServer((_, answer) => answer.end('never')).listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number }
  const url = `http://127.0.0.1:${port}/`
  const session = new SyncSession(how === 'timeout' ? { timeout: '300ms' } : {})
  if (how === 'threadedTimeout') SessionConfig.threadedTimeout = '300ms'
  try {
    session.get(url)
  } catch (error) {
    if (error instanceof TimeoutError) console.log(error.code, error.message)
  }
  server.close()
})
