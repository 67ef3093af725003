import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { test } from 'node:test'

const src = join(import.meta.dirname, '../src')

/** From top to bottom: a room may import rooms further down, never up. */
const rooms = [
  'index.ts',
  'cli',
  'sync',
  'session',
  'batch',
  'middleware',
  'transport',
  'cache',
  'ratelimit',
  'backends',
  'algorithms',
  'http',
  'core',
]

interface Import {
  readonly from: string
  readonly specifier: string
}

/** Every import and re-export in src, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8')
  return [
    ...text.matchAll(/^(?:import|export)\b[^'"]*?from\s+['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gms),
  ].map((match) => (match[1] ?? match[2]) as string)
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
const imports: Import[] = files.flatMap((from) => importsOf(from).map((specifier) => ({ from, specifier })))
const inner = imports.flatMap(({ from, specifier }) =>
  specifier.startsWith('.') ? [{ from, to: relative(src, join(src, dirname(from), specifier)) }] : [],
)
const roomOf = (file: string): string => file.split(sep)[0] as string

test('the sources are found', () => {
  assert.ok(files.length > 40 && inner.length > 100, `${files.length} files, ${inner.length} imports`)
})

test('imports point downwards only; src never imports testing, which may import everything', () => {
  const wrong = inner.filter(({ from, to }) => {
    if (roomOf(from) === 'testing') return false
    assert.ok(rooms.includes(roomOf(from)), `${from} is in no room of the architecture`)
    return !rooms.includes(roomOf(to)) || rooms.indexOf(roomOf(to)) < rooms.indexOf(roomOf(from))
  })
  assert.deepEqual(wrong, [])
})

test('there is no cycle between files, not even of types', () => {
  const targets = Map.groupBy(inner, ({ from }) => from)
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `cycle: ${[...path, file].join(' -> ')}`)
    if (done.has(file)) return
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
})

test('only the transport imports undici, and only named libraries are imported at all', () => {
  const libraries = imports.filter(({ specifier }) => !/^(\.|node:)/.test(specifier))
  const places: Record<string, readonly string[]> = {
    undici: ['transport'],
    'undici/lib/dispatcher/agent.js': ['transport'],
    'tough-cookie': ['middleware'],
    '@redis/client': ['backends'],
    'lru-cache': ['backends', 'middleware'],
    '@standard-schema/spec': ['http'],
    'structured-headers': ['http'],
  }
  for (const { from, specifier } of libraries) {
    assert.ok(places[specifier]?.includes(roomOf(from)), `${from} imports ${specifier}`)
  }
})

test('one importer of Node’s global dispatcher: nobody', () => {
  for (const file of files) {
    assert.doesNotMatch(readFileSync(join(src, file), 'utf8'), /GlobalDispatcher/, file)
  }
})
