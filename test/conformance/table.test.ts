import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { subjects } from './cases.ts'

const root = join(import.meta.dirname, '../..')
const table = readFileSync(join(root, 'docs/http-cache.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => line.slice(2, -2).split(' | '))
const cases = Object.values(subjects).flat()

/** The names of the tests that are written down as text. */
function namesIn(folder: string): string[] {
  return globSync(`test/${folder}/*.test.ts`, { cwd: root }).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [...text.matchAll(/^ *test\((['"])(.*?)\1,/gm)].map((match) => match[2] as string)
  })
}

test('every rule of docs/http-cache.md has tests, and there are tests of these names', () => {
  const known = new Set([
    ...cases.map(({ name }) => name),
    ...['cache', 'http', 'middleware'].flatMap(namesIn),
  ])
  for (const [rule = '', , tests = ''] of table) {
    const names = [...tests.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)
    assert.ok(names.length > 0, `${rule} has no test`)
    for (const name of names) assert.ok(known.has(name), `${rule}: there is no test '${name}'`)
  }
})

test('every rule that a case is for is in docs/http-cache.md', () => {
  const rules = new Set(
    table.flatMap(([rule = '']) => {
      const [rfc, ...sections] = rule.split(' ')
      return sections.map((section) => `${rfc} ${section.replace(',', '')}`)
    }),
  )
  for (const { rule } of cases) assert.ok(rules.has(rule), rule)
})

test('no two cases have one name', () => {
  const names = Object.values(subjects).map((list) => list.map(({ name }) => name))
  for (const list of names) assert.equal(new Set(list).size, list.length)
})
