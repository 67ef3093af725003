/** Asks once, and prints the status, or what became of it. It must not take as long as a worker has to start. `asks.ts url [threadedTimeout]` */
import { type Duration, SessionConfig, SyncSession } from '../../../src/index.ts'

const [url, threadedTimeout = '10s'] = process.argv.slice(2) as [string, Duration?]
SessionConfig.threadedTimeout = threadedTimeout
try {
  console.log(new SyncSession({ baseUrl: url }).get('/ip').status)
} catch (error) {
  const { code, message, cause } = error as Error & { readonly code?: string }
  console.log(code, message, '| cause:', cause instanceof Error ? cause.message : cause)
}
