import { DatabaseSync } from 'node:sqlite'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { SqliteLimitStore } from '../../src/backends/sqlite/sqlite-limit-store.ts'
import { testLimitStore } from '../../src/testing/index.ts'
import { newFile } from './sqlite-support.ts'

/** Histories of each algorithm, and of each combination: thousands for a store. */
const traces = 400

testLimitStore('memory', (clock, checkFrequency) => {
  const store = new MemoryLimitStore({ clock, checkFrequency })
  return { store, size: () => store.size, close: () => store.close() }
})

testLimitStore('SQLite', (clock, checkFrequency) => {
  const store = new SqliteLimitStore({ from: newFile(), clock, checkFrequency })
  return { store, size: () => store.size(), close: () => store.close() }
})

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
