import type { FieldList } from '../core/field-list.ts'

/** WHATWG `Headers` of a field list that nobody can change. */
export function frozenHeaders(fields: FieldList): Headers {
  return freezeHeaders(toHeaders(fields))
}

/** WHATWG `Headers` of a field list. */
export function toHeaders(fields: FieldList): Headers {
  const headers = new Headers()
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i] as string, fields[i + 1] as string)
  return headers
}

/** The same headers, which nobody can change from now on. */
export function freezeHeaders(headers: Headers): Headers {
  return Object.defineProperties(headers, {
    append: { value: refuse },
    delete: { value: refuse },
    set: { value: refuse },
  })
}

function refuse(): never {
  throw new TypeError('these headers are read-only; make your own with new Headers(response.headers)')
}
