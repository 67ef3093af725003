import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeText } from '../../src/http/charset.ts'
import { decodeTextOnce } from '../../src/http/decoded-text.ts'

for (const length of [0, 1, 65_535, 65_536, 200_000]) {
  test(`${length} bytes are the same text as ever, the second time too`, () => {
    const bytes = new Uint8Array(length).fill(0xe9)
    for (const charset of ['latin1', undefined, 'utf-16le', 'latin1']) {
      const text = decodeText(bytes, charset)
      assert.equal(decodeTextOnce(bytes, charset), text)
      assert.equal(decodeTextOnce(bytes, charset), text)
    }
  })
}

test('a charset that is not known is an error each time', () => {
  const bytes = new Uint8Array(100_000)
  decodeTextOnce(bytes, 'utf-8')
  for (const _ of [1, 2]) {
    assert.throws(() => decodeTextOnce(bytes, 'utf-6'), { code: 'ERR_CHARSET' })
  }
})
