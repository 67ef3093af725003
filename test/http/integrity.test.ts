import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { matchesIntegrity } from '../../src/http/integrity.ts'

const content = Buffer.from('content')
const of = (name: string, encoding: 'base64' | 'base64url' = 'base64', text: Buffer = content): string =>
  `${name}-${hash(name, text, encoding)}`
const wrong = (name: string): string => of(name, 'base64', Buffer.from('other'))

test('one right hash of the strongest function is enough', () => {
  for (const name of ['sha256', 'sha384', 'sha512']) {
    assert.equal(matchesIntegrity(content, of(name)), true)
    assert.equal(matchesIntegrity(content, of(name, 'base64url')), true)
    assert.equal(matchesIntegrity(content, `${of(name)}?option`), true)
    assert.equal(matchesIntegrity(content, wrong(name)), false)
  }
  assert.equal(matchesIntegrity(content, `  ${wrong('sha512')}\n${of('sha512')} `), true)
})

test('weaker functions do not count beside stronger ones', () => {
  assert.equal(matchesIntegrity(content, `${of('sha256')} ${wrong('sha384')}`), false)
  assert.equal(matchesIntegrity(content, `${wrong('sha256')} ${of('sha384')}`), true)
})

test('what is no known hash says nothing', () => {
  for (const text of ['', ' ', 'md5-AAAA', 'sha256', 'sha256-***', 'SHA256-AAAA']) {
    assert.equal(matchesIntegrity(content, text), true, text)
  }
})
