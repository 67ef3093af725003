import { BatchError } from '../batch/batch-error.ts'
import {
  AbortError,
  NetworkError,
  OptionError,
  RatelimitError,
  SessionError,
  TimeoutError,
} from '../core/errors.ts'
import { HttpStatusError } from '../http/response-head.ts'

/** An error on its way to another thread: structured clone keeps neither our classes nor fields. */
export interface PortableError {
  readonly class: string
  readonly message: string
  readonly stack: string | undefined
  /** Packed; absent where the error has none, for `cause: undefined` is one. */
  readonly cause?: unknown
  /** All other own properties, packed: code, retryAfter, key, responses … */
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * The classes that errors keep; those of others become their nearest ancestor among these. By the names that they have
 * here, for the worker's program, a bundle, may have given them others.
 */
const classes: ReadonlyMap<string, { readonly prototype: Error }> = new Map(
  Object.entries({
    SessionError,
    OptionError,
    NetworkError,
    TimeoutError,
    AbortError,
    RatelimitError,
    HttpStatusError,
    BatchError,
    Error,
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
    AggregateError,
  }),
)

const names: ReadonlyMap<unknown, string> = new Map(
  [...classes].map(([name, { prototype }]) => [prototype, name]),
)

/** @param pack for the cause and the other properties */
export function packError(error: Error, pack: (value: unknown) => unknown): PortableError {
  const fields: Record<string, unknown> = {}
  for (const name of Object.getOwnPropertyNames(error)) {
    if (name !== 'message' && name !== 'stack' && name !== 'cause')
      fields[name] = pack(Reflect.get(error, name))
  }
  const { message, stack, cause } = error
  return {
    class: classOf(error),
    message,
    stack,
    fields,
    ...('cause' in error ? { cause: pack(cause) } : {}),
  }
}

/** The error as it was, made in this thread. */
export function unpackError(portable: PortableError, unpack: (value: unknown) => unknown): Error {
  const { message, stack, fields } = portable
  // a true error, of which consoles and debuggers know that it is one, in the class that it had
  const error = new Error(message, 'cause' in portable ? { cause: unpack(portable.cause) } : {})
  Object.setPrototypeOf(error, classes.get(portable.class)?.prototype ?? Error.prototype)
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
  for (const [name, value] of Object.entries(fields)) {
    Object.defineProperty(error, name, {
      value: unpack(value),
      configurable: true,
      enumerable: name !== 'errors',
      writable: true,
    })
  }
  return error
}

function classOf(error: Error): string {
  let prototype: unknown = Object.getPrototypeOf(error)
  while (typeof prototype === 'object' && prototype !== null) {
    const name = names.get(prototype)
    if (name !== undefined) return name
    prototype = Object.getPrototypeOf(prototype)
  }
  return 'Error'
}
