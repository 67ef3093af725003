import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = join(import.meta.dirname, '..')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
assert.ok(existsSync(join(root, 'dist/index.js')), 'dist/ is missing: run `npm run build` first')

/** What importing a built file loads, as far as it is the package’s own; paths from the root on. */
function loaded(file: string, found: Set<string> = new Set()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  const code = readFileSync(join(root, file), 'utf8')
  for (const [, specifier] of code.matchAll(/^(?:import|export)\b[^'"]*['"](\.[^'"]+)['"]/gm)) {
    loaded(relative(root, join(root, dirname(file), specifier as string)), found)
  }
  return found
}

test('publint has nothing to say', async () => {
  const { messages, pkg } = await publint({ pkgDir: root, strict: true, pack: false })
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  )
})

for (const [subpath, { types, default: file }] of Object.entries(manifest.exports)) {
  const name = join(manifest.name, subpath)

  test(`${name} can be imported, and has types`, async () => {
    const module = (await import(name)) as Record<string, unknown>
    assert.ok(Object.keys(module).length > 0)
    for (const path of [types, file]) assert.ok(existsSync(join(root, path)), path)
    assert.match(readFileSync(join(root, types), 'utf8'), /^export /m)
  })

  if (subpath === './testing') continue
  test(`${name} loads nothing that is for tests only`, () => {
    const files = [...loaded(relative(root, join(root, file)))]
    assert.ok(files.length > 1)
    assert.deepEqual(
      files.filter((path) => /(^|\/)test/.test(path)),
      [],
    )
  })
}

test('the worker of blocking sessions is one file, and works as it was written', async () => {
  const worker = loaded('dist/sync/worker.js')
  assert.deepEqual([...worker], ['dist/sync/worker.js'])
  const { SyncSession, NetworkError } = (await import(manifest.name)) as typeof import('../src/index.ts')
  using session = new SyncSession({ ratelimit: { backend: 'redis', limit: 1, window: '1h' }, cookies: true })
  // its error keeps its class, and the Redis server’s own program is found
  assert.throws(() => session.get('http://127.0.0.1:1/'), NetworkError)
  assert.ok(session.ratelimiter.peek().remaining >= 0)
})

test('the version that requests carry is that of package.json', async () => {
  const { version } = (await import(join(root, 'dist/session/version.js'))) as { version: string }
  assert.equal(version, manifest.version)
})

test('what is published: the build with its types and the documents; no sources, no tests', () => {
  const { stdout, stderr, status } = spawnSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  const [pack] = JSON.parse(stdout) as [{ files: readonly { path: string }[] }]
  const paths = pack.files.map(({ path }) => path)
  for (const needed of [
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'dist/index.js',
    'dist/index.d.ts',
  ]) {
    assert.ok(paths.includes(needed), `${needed} is missing`)
  }
  const strangers = paths.filter(
    (path) => !/^dist\/.*\.(d\.ts|js)$|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path),
  )
  assert.deepEqual(strangers, [])
})
