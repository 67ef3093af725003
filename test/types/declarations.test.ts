import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'consumer-'))
after(() => rmSync(folder, { recursive: true }))

const modules = join(folder, 'node_modules')
mkdirSync(join(modules, 'http-sessions'), { recursive: true })
for (const part of ['dist', 'package.json']) {
  cpSync(join(root, part), join(modules, 'http-sessions', part), { recursive: true })
}
for (const name of ['@standard-schema', '@types', 'lru-cache', 'tough-cookie', 'undici', 'undici-types']) {
  symlinkSync(join(root, 'node_modules', name), join(modules, name))
}

/** A package of somebody else's, which declares types made of ours. */
const library = `
import { CacheMixin, RatelimitMixin, Session } from 'http-sessions'
import type {
  AuthOptions, BodyOption, Callback, CookieOptions, FormOption, HeadersOption, Params, ProgressOptions,
  RetryOptions, SessionOptions, TimeoutOption, TlsOptions,
} from 'http-sessions'

export class ApiSession extends CacheMixin(RatelimitMixin(Session)) {}
export class Reverse extends RatelimitMixin(CacheMixin(Session)) {}
export const CachedSession = CacheMixin(Session)
export const session = new ApiSession({ limit: 10, window: '1s' })
export const response = await session.get('http://127.0.0.1/')
export const { links, cookies, contentDisposition, timings, request, cacheStatus } = response
export const cache = session.cache
export const size = session.cache.size()
export const limiter = session.ratelimiter
export const standing = session.ratelimiter.peek('key')
export const batch = session.requests(['/'], { progress: { label: 'pages' } })
export const streamed = session.stream('/')

export interface Settings {
  auth: AuthOptions, body: BodyOption, callback: Callback<typeof response>, cookies: CookieOptions,
  form: FormOption, headers: HeadersOption, params: Params, progress: ProgressOptions,
  retry: RetryOptions, timeout: TimeoutOption, tls: TlsOptions
}
export const make = (settings: Settings): SessionOptions => ({ auth: settings.auth, tls: settings.tls })
`

test('a strict package can declare types made of ours, and name the type of every option', () => {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'library.ts'), library)
  const { stdout, status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...['--strict', '--exactOptionalPropertyTypes', '--declaration', '--skipLibCheck', 'false'],
      ...[
        '--module',
        'nodenext',
        '--target',
        'es2024',
        '--lib',
        'es2024,esnext.disposable',
        '--types',
        'node',
      ],
      ...['--outDir', 'out', 'library.ts'],
    ],
    { cwd: folder, encoding: 'utf8', timeout: 60_000 },
  )
  assert.deepEqual([stdout, status], ['', 0])
})
