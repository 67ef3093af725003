import { DatabaseSync } from 'node:sqlite'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import { SqliteCacheStore } from '../../src/backends/sqlite/sqlite-cache-store.ts'
import { type OpenedCacheStore, testCacheStore } from '../../src/testing/index.ts'
import { newFile } from './sqlite-support.ts'

testCacheStore('memory', (clock, sizes) => {
  const store = new MemoryCacheStore({ clock, ...sizes })
  return { store, close: () => store.close() }
})

/** Changes the first piece of an entry. */
function spoilIn(db: DatabaseSync): NonNullable<OpenedCacheStore['spoil']> {
  const row = `FROM http_sessions_pieces WHERE place IN (SELECT place FROM http_sessions_entries WHERE key = ?)`
  return (key, change) => {
    const find = db.prepare(`SELECT place, bytes ${row}`)
    find.setReturnArrays(false)
    find.setReadBigInts(false)
    const { place, bytes } = find.get(key) as { place: number; bytes: Uint8Array }
    db.prepare('UPDATE http_sessions_pieces SET bytes = ? WHERE place = ?').run(change(bytes), place)
  }
}

testCacheStore('SQLite', (clock, sizes) => {
  const from = newFile()
  const store = new SqliteCacheStore({ from, clock, ...sizes })
  let db: DatabaseSync | undefined
  return {
    store,
    spoil: (key, change) => spoilIn((db ??= new DatabaseSync(from)))(key, change),
    close: () => (db?.close(), store.close()),
  }
})

// As its owner likes it: big integers, arrays, no file, no WAL.
testCacheStore('SQLite, by a connection of the user’s', (clock, sizes) => {
  const conn = new DatabaseSync(':memory:', { readBigInts: true, returnArrays: true })
  const store = new SqliteCacheStore({ from: conn, clock, ...sizes })
  return { store, spoil: spoilIn(conn), close: () => (store.close(), conn.close()) }
})
