/** Asks once, and prints the status, or what became of it. It must not take as long as a worker has to start. */
import { SessionConfig, SyncSession } from '../../../src/index.ts'

SessionConfig.threadedTimeout = '10s'
try {
  console.log(new SyncSession({ baseUrl: process.argv[2] as string }).get('/ip').status)
} catch (error) {
  const { code, message, cause } = error as Error & { readonly code?: string }
  console.log(code, message, '| cause:', cause instanceof Error ? cause.message : cause)
}
