/** Its first worker fails by itself, in the middle of a request: started with an import that throws there. */
import { SessionError, SyncSession } from '../../../src/index.ts'

const session = new SyncSession({ baseUrl: process.argv[2] as string })
try {
  session.get('/delay/10')
} catch (error) {
  if (error instanceof SessionError) console.log(error.code, error.cause)
}
