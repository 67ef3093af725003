import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { ratelimitChannels } from '../src/ratelimit/events.ts'
import { ratelimitOptionNames } from '../src/ratelimit/options.ts'
import { runBuilt } from './support/run.ts'

const root = join(import.meta.dirname, '..')
// Inside the package, so that `import 'http-sessions'` finds it
const folder = mkdtempSync(join(root, '.docs-'))
after(() => rmSync(folder, { recursive: true }))

interface Block {
  readonly language: string
  readonly text: string
}

function blocksOf(file: string): Block[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((match) => ({
    language: match[1] as string,
    text: match[2] as string,
  }))
}

/** Numbers differ from run to run, and so do the lengths of bars that are not full. */
function masked(text: string): string {
  return text.replaceAll(/\d+(\.\d+)?/g, '#').trim()
}

const scripts = Object.keys(
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }).scripts,
)
const documents = globSync(['*.md', 'docs/*.md'], { cwd: root })

// Most of them wait more than they work
describe('documents', { concurrency: 2 }, () => {
  for (const document of documents) {
    const blocks = blocksOf(document)
    for (const [index, { language, text }] of blocks.entries()) {
      if (language === 'ts') {
        const next = blocks[index + 1]
        test(`${document}, block ${index + 1}: the program runs and prints what is written below it`, async () => {
          const program = join(folder, `${document.replaceAll('/', '-')}-${index}.ts`)
          writeFileSync(program, text)
          const { stdout, stderr, status } = await runBuilt([program])
          assert.equal(status, 0, stderr)
          if (next?.language === 'text') assert.equal(masked(stdout), masked(next.text))
        })
      } else if (language === 'sh') {
        test(`${document}, block ${index + 1}: every command is one of the package's`, () => {
          const commands = text.split(/\n|&&/).map((line) => line.replace(/#.*/, '').trim())
          for (const command of commands.filter((line) => line !== '')) {
            const script = /^npm (?:run )?([\w:-]+)$/.exec(command)?.[1]
            assert.ok(script === 'ci' || (script !== undefined && scripts.includes(script)), command)
          }
        })
      } else {
        test(`${document}, block ${index + 1}: ${language} is output, of the block above`, () => {
          assert.equal(language, 'text')
          assert.ok(['ts', 'sh'].includes(blocks[index - 1]?.language ?? ''))
        })
      }
    }
  }
})

test('the demo runs, keeps its limits, and the README shows it as it prints', async () => {
  const shown = blocksOf('README.md')[1] as Block
  const { stdout, stderr, status } = await runBuilt([join(root, 'examples/demo.ts')])
  assert.equal(status, 0, stderr)
  assert.match(stdout, /the server saw 100 requests in [\d.]+ s, at most ([1-9]|10) in any one second/)
  assert.match(stdout, /the server saw 0 requests/)
  assert.match(stdout, /from the cache: 100 of 100/)
  assert.match(stdout, /^404 \[ 'fail', '0 bytes' \]$/m)
  const lines = masked(stdout).split('\n')
  for (const line of masked(shown.text).split('\n')) {
    if (!line.startsWith('|')) assert.ok(lines.includes(line), line) // the bar is on stderr
  }
})

/** What stands in code in the first column of the tables whose first column has this heading. */
function firstColumn(file: string, heading: string): Set<string> {
  const names = new Set<string>()
  let table = ''
  for (const line of readFileSync(join(root, file), 'utf8').split('\n')) {
    const first = /^\| (.*?) \|/.exec(line)?.[1] ?? ''
    if (first === '' || table === '') table = first
    else if (table === heading) for (const [, name] of first.matchAll(/`(.+?)`/g)) names.add(name as string)
  }
  return names
}

test('docs/ratelimit.md has every option of a limiter, and no other', () => {
  assert.deepEqual(firstColumn('docs/ratelimit.md', 'option'), new Set([...ratelimitOptionNames, 'clock']))
})

test('docs/ratelimit.md has every channel, and no other', () => {
  const channels = Object.values(ratelimitChannels).map(({ name }) => name)
  assert.deepEqual(firstColumn('docs/ratelimit.md', 'channel'), new Set(channels))
})
