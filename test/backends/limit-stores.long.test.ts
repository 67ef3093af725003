import { DatabaseSync } from 'node:sqlite'
import { SqliteLimitStore } from '../../src/backends/sqlite/sqlite-limit-store.ts'
import { testLimitStore } from '../../src/testing/index.ts'

/** Histories of each algorithm, and of each combination: thousands for a store. */
const traces = 400

// As its owner likes it: big integers, arrays, no file, no WAL.
testLimitStore(
  'SQLite, by a connection of the user’s',
  (clock, checkFrequency) => {
    const conn = new DatabaseSync(':memory:', { readBigInts: true, returnArrays: true })
    const store = new SqliteLimitStore({ from: conn, clock, checkFrequency })
    return { store, size: () => store.size(), close: () => (store.close(), conn.close()) }
  },
  { traces },
)
