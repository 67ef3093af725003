import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { build, type Format } from 'esbuild'
import { run } from '../support/run.ts'
import { spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()
const program = join(import.meta.dirname, 'programs', 'asks.ts')
const folder = mkdtempSync(join(tmpdir(), 'sync-start-'))
test.after(() => rmSync(folder, { recursive: true }))

test('it works where there is no folder for temporary files', async () => {
  const env = { ...process.env, TMPDIR: '/nonexistent', TEMP: '/nonexistent', TMP: '/nonexistent' }
  const { stdout, stderr } = await run([program, server.url], env)
  assert.equal(stdout, '200\n', stderr)
})

test('it works where Node.js allows no file to be written', async () => {
  const { NODE_V8_COVERAGE: _, ...env } = process.env // which writes files
  const { stdout, stderr } = await run(
    ['--permission', '--allow-fs-read=*', '--allow-worker', ...netPermission(), program, server.url],
    env,
  )
  assert.equal(stdout, '200\n', stderr)
})

test('where Node.js allows no worker, the error says so', async () => {
  const { NODE_V8_COVERAGE: _, ...env } = process.env
  const { stdout, stderr } = await run(
    ['--permission', '--allow-fs-read=*', ...netPermission(), program, server.url],
    env,
  )
  assert.match(stdout, /^ERR_WORKER .* could not start: .*--allow-worker \| cause: /, stderr)
})

test('a worker that fails before it is up is told at once, with the cause', async () => {
  const breaks = `import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    import { isMainThread } from 'node:worker_threads'
    fs.fstatSync = isMainThread ? fs.fstatSync : () => { throw new Error('no files today') }
    syncBuiltinESMExports()`
  const preload = `data:text/javascript,${encodeURIComponent(breaks)}`
  const { stdout, stderr } = await run(['--import', preload, program, server.url])
  assert.match(stdout, /^ERR_WORKER .* could not start: .*\| cause: no files today\n$/, stderr)
})

test('the time that a worker takes to start is none of threadedTimeout', async () => {
  const slow = `import { isMainThread } from 'node:worker_threads'
    if (!isMainThread) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000)`
  const preload = `data:text/javascript,${encodeURIComponent(slow)}`
  const { stdout, stderr } = await run(['--import', preload, program, server.url, '5s'])
  assert.equal(stdout, '200\n', stderr)
})

for (const format of ['esm', 'cjs'] satisfies Format[]) {
  test(`a bundle (${format}) without the worker’s program is told at once, and what to do`, async () => {
    const outfile = join(folder, format === 'esm' ? 'bundle.mjs' : 'bundle.cjs')
    await build({
      entryPoints: [program],
      outfile,
      format,
      bundle: true,
      platform: 'node',
      external: ['@redis/client'],
      logLevel: 'silent',
      ...(format === 'esm' ? { banner: { js: requireForEsm } } : {}),
    })
    const { stdout, stderr } = await run([outfile, server.url])
    const path = format === 'esm' ? `: ${join(folder, 'worker.mjs')}` : ''
    assert.match(
      stdout,
      new RegExp(`^ERR_WORKER .* is not there${path}; have your bundler .*external`),
      stderr,
    )
  })
}

const requireForEsm = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`

/** Newer versions have a permission for the network, too. */
function netPermission(): readonly string[] {
  return process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []
}
