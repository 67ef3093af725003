/** Ends the process in the middle of things. */
import { SyncSession } from '../../../src/index.ts'

const session = new SyncSession({ baseUrl: process.argv[2] as string })
session.requests(['/ip', '/delay/10'], { callbacks: [() => process.exit(7)] })
