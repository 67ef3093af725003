import { fieldValues, type FieldList, filterFields } from '../core/field-list.ts'

/** Fields that describe the stored bytes: a response without them cannot change them (RFC 9111, 3.2). */
const contentFields = new Set(['content-encoding', 'content-length', 'content-range'])

/** Fields of one connection, and of the way through proxies: never stored (RFC 9111, 3.1). */
const connectionFields = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
])

/** The fields that are stored: all but those of the connection, and those that Connection names. */
export function storedFields(headers: FieldList): FieldList {
  const named = new Set(
    fieldValues(headers, 'connection').flatMap((line) =>
      line.split(',').map((name) => name.trim().toLowerCase()),
    ),
  )
  return filterFields(headers, (name) => !connectionFields.has(name) && !named.has(name))
}

/**
 * Stored fields with every field that a new response brought in the place of the old ones (RFC 9111, 3.2). Old cookies
 * go in any case, since Set-Cookie is about the exchange that it came with; so do the old age and date.
 */
export function updatedFields(stored: FieldList, received: FieldList): FieldList {
  const update = filterFields(storedFields(received), (name) => !contentFields.has(name))
  const renewed = new Set(['set-cookie', 'age', 'date'])
  for (let i = 0; i < update.length; i += 2) renewed.add((update[i] as string).toLowerCase())
  return [...filterFields(stored, (name) => !renewed.has(name)), ...update]
}
