import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeText } from '../../src/http/charset.ts'

const utf8 = new TextEncoder().encode('grüße')

test('the charset that is given decides, however it is written', () => {
  assert.equal(decodeText(utf8, ' UTF-8 '), 'grüße')
  assert.equal(decodeText(Buffer.from('grüße', 'latin1'), 'ISO-8859-1'), 'grüße')
  assert.equal(decodeText(Buffer.from('grüße', 'utf16le'), 'utf-16'), 'grüße')
})

test('without one, or with an empty one, the byte order mark decides, else it is UTF-8', () => {
  for (const charset of [undefined, '', ' ']) {
    assert.equal(decodeText(utf8, charset), 'grüße')
    assert.equal(decodeText(Buffer.from('\uFEFFgrüße', 'utf16le'), charset), 'grüße')
    assert.equal(decodeText(Buffer.from('\uFEFFgrüße', 'utf16le').swap16(), charset), 'grüße')
    assert.equal(decodeText(Buffer.from('\uFEFFgrüße'), charset), 'grüße')
    assert.equal(decodeText(new Uint8Array(), charset), '')
  }
})

test('bytes that are malformed become U+FFFD; a charset that nobody knows is an error', () => {
  assert.equal(decodeText(Uint8Array.of(0x61, 0xff, 0x62), undefined), 'a\uFFFDb')
  assert.throws(() => decodeText(utf8, 'klingon'), { code: 'ERR_CHARSET', message: /'klingon'.*bytes\(\)/ })
})
