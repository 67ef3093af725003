import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { redacted, Redactor } from '../../../src/http/har/redaction.ts'

const redactor = new Redactor(['customer_no'])
const inUrl = encodeURIComponent(redacted)

test('credentials among the header fields are unreadable, others stay', () => {
  for (const name of [
    'Authorization',
    'proxy-authorization',
    'COOKIE',
    'Set-Cookie',
    'X-Api-Key',
    'X-CSRF-Token',
  ]) {
    assert.equal(redactor.header(name, 'value'), redacted, name)
  }
  for (const name of [
    'Author',
    'Accept',
    'Keep-Alive',
    'Idempotency-Key',
    'WWW-Authenticate',
    'Content-Encoding',
  ]) {
    assert.equal(redactor.header(name, 'value'), 'value', name)
  }
})

test('URLs lose their credentials, and the secrets of their queries and fragments', () => {
  const cases = {
    'https://user:pass@host/a': 'https://host/a',
    '//user@host/a': '//host/a',
    'https://host/user:pass@a': 'https://host/user:pass@a',
    'https://host/?page=1&access_token=abc&b=2': `https://host/?page=1&access_token=${inUrl}&b=2`,
    'https://host/?api%5Fkey=abc&apiKey=abc': `https://host/?api%5Fkey=${inUrl}&apiKey=${inUrl}`,
    'https://host/?X-Amz-Signature=a&X-Amz-Credential=b': `https://host/?X-Amz-Signature=${inUrl}&X-Amz-Credential=${inUrl}`,
    '/back?code=abc#id_token=abc': `/back?code=${inUrl}#id_token=${inUrl}`,
    '?Customer.No=5&key=': `?Customer.No=${inUrl}&key=${inUrl}`,
    'https://host/?%=1&monkey=2': 'https://host/?%=1&monkey=2',
  }
  for (const [url, expected] of Object.entries(cases)) assert.equal(redactor.url(url), expected)
  assert.equal(redactor.header('Location', '/?token=a'), `/?token=${inUrl}`)
  assert.deepEqual([redactor.value('token', 'a'), redactor.value('page', 'a')], [redacted, 'a'])
})

test('forms, JSON and events lose the secrets among their members, and keep all else to the letter', () => {
  const json = 'application/json'
  const cases: [text: string, type: string, expected: string][] = [
    ['user=a&password=b', 'application/x-www-form-urlencoded', `user=a&password=${inUrl}`],
    [
      '{"password" :  "a\\"b", "id": 12345678901234567890}',
      json,
      `{"password" :  "${redacted}", "id": 12345678901234567890}`,
    ],
    ['{"max_tokens": 5, "key": "a", "code": "b"}', json, '{"max_tokens": 5, "key": "a", "code": "b"}'],
    ['["a", ":", {"secret": "p"}]', json, `["a", ":", {"secret": "${redacted}"}]`],
    ['[{"a":{"refreshToken":"x"}}]', '', `[{"a":{"refreshToken":"${redacted}"}}]`],
    ['data: {"token": "x"}\n\n', 'text/event-stream', `data: {"token": "${redacted}"}\n\n`],
    ['"password": "as it is"', 'text/html', '"password": "as it is"'],
    ['{"password": "cut of', json, '{"password": "cut of'],
  ]
  for (const [text, type, expected] of cases) assert.equal(redactor.text(text, type), expected)
})

test('it knows whether there was a secret, but for cookies that are set', () => {
  const fresh = new Redactor([])
  fresh.url('https://host/?page=1')
  fresh.header('Set-Cookie', 'a=b')
  fresh.text('{"a": "b"}', 'application/json')
  assert.equal(fresh.touched, false)
  fresh.header('Cookie', 'a=b')
  assert.equal(fresh.touched, true)
})

test('no secret in JSON survives, wherever it is, and the rest is the same', () => {
  const secret = 'S3CRET'
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.boolean(), (before, after, spaced) => {
      const make = (password: string): string =>
        JSON.stringify([before, { before, password, after }, after], undefined, spaced ? 1 : 0)
      const text = new Redactor([]).text(make(secret), 'application/json')
      assert.ok(!text.includes(secret))
      if (
        !/pass|key|sec|tok|auth|cred|sig|sess|csrf|xsrf|jwt|assert/i.test(JSON.stringify([before, after]))
      ) {
        assert.equal(text, make(redacted))
      }
    }),
    { seed: 7, numRuns: 500 },
  )
})
