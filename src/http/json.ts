import type { StandardSchemaV1 } from '@standard-schema/spec'
import { SessionError } from '../core/errors.ts'

/** What a message about bad JSON says of where it came from. */
interface Source {
  readonly status: number
  readonly method: string
  readonly url: string
}

/** A URL as messages show it: a query may hold secrets. */
export function withoutQuery(url: string): string {
  return url.split('?', 1)[0] as string
}

/**
 * Text as JSON.
 * @throws SessionError ERR_JSON that shows the status and how the text begins
 */
export function parseJson(text: string, source: Source): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const start = text.length > 60 ? `${text.slice(0, 57)}...` : text
    throw new SessionError(
      'ERR_JSON',
      `the answer to ${source.method} ${withoutQuery(source.url)} (status ${source.status}) is not JSON; it begins ${JSON.stringify(start)}`,
      { cause },
    )
  }
}

/**
 * The value as the schema gives it back.
 * @throws SessionError ERR_SCHEMA listing the issues; `cause` holds them
 */
export function validate(value: unknown, schema: StandardSchemaV1): unknown {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) {
    result.catch(() => undefined) // its outcome cannot be waited for here, and must not end the process
    throw new SessionError(
      'ERR_SCHEMA',
      'this schema validates asynchronously; call json() without it and validate the value yourself',
    )
  }
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(({ message, path }) => {
    const place = path?.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
    return place ? `${place}: ${message}` : message
  })
  throw new SessionError('ERR_SCHEMA', `the content does not match the schema: ${issues.join('; ')}`, {
    cause: result.issues,
  })
}
