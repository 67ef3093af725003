import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  type EntityTag,
  parseEntityTag,
  parseEntityTags,
  strongMatch,
  weakMatch,
} from '../../src/http/entity-tag.ts'
import { fieldText } from './field-text.ts'

const tag = (text: string): EntityTag => {
  const parsed = parseEntityTag(text)
  assert.ok(parsed !== undefined, text)
  return parsed
}

test('a tag is weak or strong, and what is between its quotes', () => {
  assert.deepEqual(parseEntityTag('"abc"'), { weak: false, opaque: 'abc' })
  assert.deepEqual(parseEntityTag('W/"abc"'), { weak: true, opaque: 'abc' })
  assert.deepEqual(parseEntityTag('""'), { weak: false, opaque: '' })
})

test('what is not quoted, or has a quote or blank inside, is none', () => {
  for (const wrong of ['abc', 'w/"abc"', 'W/abc', '"a"b"', '"a b"', '"a', '*', '']) {
    assert.equal(parseEntityTag(wrong), undefined, wrong)
  }
})

test('tags compare as in the table of RFC 9110, 8.8.3.2', () => {
  const table: readonly [string, string, strong: boolean, weak: boolean][] = [
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', '"1"', true, true],
  ]
  for (const [a, b, strong, weak] of table) {
    assert.equal(strongMatch(tag(a), tag(b)), strong)
    assert.equal(weakMatch(tag(a), tag(b)), weak)
  }
})

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fieldText, (text) => {
      const parsed = parseEntityTag(text)
      if (parsed !== undefined) assert.ok(text.includes(`"${parsed.opaque}"`))
    }),
    { seed: 20_260_105 },
  )
})

test('If-None-Match is a list of tags, whatever is inside them, or any', () => {
  assert.equal(parseEntityTags([' * ']), '*')
  assert.deepEqual(parseEntityTags(['"a,b", W/"c"', '""']), [tag('"a,b"'), tag('W/"c"'), tag('""')])
  assert.deepEqual(parseEntityTags(['a, "b"c, , W/"d"']), [tag('W/"d"')])
  assert.deepEqual(parseEntityTags(['"a, "b"']), [])
  assert.deepEqual(parseEntityTags([]), [])
  fc.assert(
    fc.property(fc.array(fieldText), (lines) => {
      const tags = parseEntityTags(lines)
      assert.ok(tags === '*' || tags.length <= lines.join(',').length)
    }),
    { seed: 20_260_121 },
  )
})
