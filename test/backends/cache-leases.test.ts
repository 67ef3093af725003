import { test } from 'node:test'
import { raceForLeases } from '../support/cache-claims.ts'
import { newFile } from './sqlite-support.ts'

test('of several processes one gets a lease in an SQLite file; who ends without a word loses it in time', () =>
  raceForLeases({ db: newFile() }))
