import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { runBuilt } from './support/run.ts'

const root = join(import.meta.dirname, '..')

test('the package is built, as the examples need it', () => {
  assert.ok(existsSync(join(root, 'dist/index.js')), 'dist/ is missing: run `npm run build` first')
})

/** What each example, with such arguments, prints at least. */
const printed: Record<string, readonly RegExp[]> = {
  'one-request.ts': [/^200 \{ origin: '127\.0\.0\.1' \}$/m],
  'many-requests.ts': [/^(Response status: true\n){10}/, /10 responses, the last one for \{ id: '9' \}/],
  'callbacks.ts': [
    /404 \[\n  \{ callback: 'callback1', status: 'fail' \},\n  \{ callback: 'callback2', status: 'fail' \}\n\]/,
  ],
  'cache.ts': [/^false true 1$/m, /^200 \{ id: '5013' \}$/m],
  'many-workers.ts': [/^80 requests of 4 processes; most in any half second: ([1-9]|1\d|20)$/m],
  'many-workers.ts redis': [/^80 requests of 4 processes; most in any half second: ([1-9]|1\d|20)$/m],
  'bullmq.ts': [
    /^60 jobs done by 2 processes in \d+\.\d s$/m,
    /^most requests in any one second: ([1-9]|1\d|20)$/m,
  ],
  'ratelimit.ts': [/^30 requests; most in any one second: ([1-9]|10)$/m],
  'cache-and-ratelimit.ts': [
    /^ApiSession \[ false, true, true \]$/m,
    /^SameSession \[ false, true, true \]$/m,
  ],
  'sync-one-request.ts': [/^200 \{ origin: '127\.0\.0\.1' \}$/m],
  'sync-many-requests.ts': [
    /^(Response status: true\n){10}10 responses, the last one for \{ id: '9' \}$/m,
    /^200 \[ 'success' \]\n404 \[ 'fail' \]\n(200 \[ 'uuid' \]\n){3}/m,
  ],
  'sync-callbacks.ts': [
    /^((200|404) \[\{"callback":"callback1","status":"(success|fail)"\},\{"callback":"callback2","status":"(success|fail)"\}\]\n){5}$/,
  ],
  'sync-cache.ts': ['memory', 'sqlite', 'redis'].map(
    (backend) => new RegExp(`^${backend} false true 1\\n200 \\{ id: '5013' \\}$`, 'm'),
  ),
  'sync-ratelimit.ts': ['memory', 'sqlite', 'redis'].map(
    (backend) => new RegExp(`^${backend}: 25 requests; most in any half second: ([1-9]|10)$`, 'm'),
  ),
  'sync-cache-and-ratelimit.ts': ['ApiSession', 'SameSession'].flatMap((name) =>
    ['memory', 'sqlite', 'redis'].map(
      (backend) =>
        new RegExp(
          `^${name} ${backend} false true\\n5013 1\\n31 requests; most in any half second: ([1-9]|10)$`,
          'm',
        ),
    ),
  ),
}

test('every example is tested', () => {
  const tested = new Set(Object.keys(printed).map((example) => example.replace(/ .*/, '')))
  tested.add('demo.ts') // by docs.long.test.ts, which compares it with the README
  tested.add('ratelimit-lab.ts') // by ratelimit-lab.long.test.ts
  assert.deepEqual(new Set(readdirSync(join(root, 'examples'))), tested)
})

// They wait for their limits more than they work
describe('examples', { concurrency: 2 }, () => {
  for (const [example, patterns] of Object.entries(printed)) {
    test(`${example} runs and prints what it promises`, async () => {
      const [name, ...args] = example.split(' ') as [string, ...string[]]
      const program = join(root, 'examples', name)
      const { stdout, stderr, status } = await runBuilt([program, ...args])
      assert.equal(status, 0, stderr)
      for (const pattern of patterns) assert.match(stdout, pattern)
    })
  }
})
