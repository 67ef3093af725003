/** Locks an SQLite file, as a backup or a careless tool might, until a line comes in. */
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'

const [path] = process.argv.slice(2) as [string]
const db = new DatabaseSync(path)
db.exec('BEGIN EXCLUSIVE')
console.log('locked')
await once(process.stdin, 'data')
db.exec('ROLLBACK')
console.log('unlocked')
await once(process.stdin, 'end')
db.close()
