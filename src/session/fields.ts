import { SessionError } from '../core/errors.ts'
import type { FieldList } from '../core/field-list.ts'
import { entriesOf, sentText } from './entries.ts'

/** A header field’s value; null or undefined takes the session’s own away, an array repeats it. */
export type HeaderValue = string | number | null | undefined | readonly string[]

/** Header fields. */
export type HeadersOption =
  | Readonly<Record<string, HeaderValue>>
  | Iterable<readonly [string, string]>
  | Headers

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// Everything but the control characters, and nothing beyond latin1 (RFC 9110, 5.5)
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const valuePattern = /^[\t\u0020-\u007e\u0080-\u00ff]*$/
/** Fields that only the transport may write (RFC 9110, 7.6.1 and RFC 9112). */
const transportFields = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'expect'])

/** Whether only the transport may write this field. */
export function isTransportField(name: string): boolean {
  return transportFields.has(name.toLowerCase())
}

/**
 * The fields of `given` in the place of those of `defaults` with the same names. Neither is changed.
 * @throws OptionError, SessionError ERR_HEADER naming a field that cannot be sent
 */
export function mergeFields(defaults: FieldList, given: HeadersOption): string[] {
  const entries = entriesOf<HeaderValue>(given, 'headers')
  const replaced = new Set(entries.map(([name]) => name.toLowerCase()))
  const list: string[] = []
  for (let i = 0; i < defaults.length; i += 2) {
    const name = defaults[i] as string
    if (!replaced.has(name.toLowerCase())) list.push(name, defaults[i + 1] as string)
  }
  for (const [name, value] of entries) appendField(list, name, value)
  return list
}

function appendField(list: string[], name: string, value: HeaderValue): void {
  if (value === null || value === undefined) return
  if (!tokenPattern.test(name)) {
    throw new SessionError('ERR_HEADER', `${JSON.stringify(name)} cannot be a header field’s name`)
  }
  if (isTransportField(name)) {
    throw new SessionError('ERR_HEADER', `header '${name}' is the connection’s own; leave it out`)
  }
  if (Array.isArray(value)) {
    for (const each of value as readonly string[]) appendField(list, name, each)
    return
  }
  const text = sentText(value, `headers.${name}`).replace(/^[ \t]+|[ \t]+$/g, '')
  if (!valuePattern.test(text)) {
    throw new SessionError(
      'ERR_HEADER',
      `header '${name}' holds a line break, a control character or text beyond latin1; encode its value first`,
    )
  }
  list.push(name, text)
}
