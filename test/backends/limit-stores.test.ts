import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { SqliteLimitStore } from '../../src/backends/sqlite/sqlite-limit-store.ts'
import { testLimitStore } from '../../src/testing/index.ts'
import { newFile } from './sqlite-support.ts'

testLimitStore('memory', (clock, checkFrequency) => {
  const store = new MemoryLimitStore({ clock, checkFrequency })
  return { store, size: () => store.size, close: () => store.close() }
})

testLimitStore('SQLite', (clock, checkFrequency) => {
  const store = new SqliteLimitStore({ from: newFile(), clock, checkFrequency })
  return { store, size: () => store.size(), close: () => store.close() }
})
