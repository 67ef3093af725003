import { OptionError } from '../core/errors.ts'
import { Response } from '../http/response.ts'
import { type Content, toContent } from '../session/content.ts'
import { adviceFor } from './advice.ts'
import { packError, type PortableError, unpackError } from './portable-error.ts'
import { packReply, type PortableResponse, unpackReply } from './portable-response.ts'

/*
 * What structured clone does not carry, or not whole, crosses in a tagged form: `{ '\0': kind, value }`.
 */
const tag = '\0'

interface Tagged {
  readonly [tag]: keyof typeof unpackers
  readonly value: unknown
}

/** How values are made ready to cross. */
export interface Packing {
  /** Memory that is given away rather than copied: for the transfer list of `postMessage`. */
  readonly transfer: ArrayBuffer[]
  /** Set when something was packed that JSON does not keep as it is. */
  needsClone?: boolean
  /**
   * Keeps a function, so that the other thread can have it called by its number. Without this, what cannot
   * cross becomes undefined, for it is no option of the caller's but a detail of an error or an argument.
   */
  readonly keep?: (callee: Callee) => number
  /** The objects that are just being packed, each a part of the one before. */
  within?: Set<object>
}

/** How values are made again. */
export interface Unpacking {
  /** Calls a function of the other thread, and waits for what it returns. */
  readonly call?: (number: number, args: readonly unknown[]) => unknown
  /** Told of each error, to be made complete; returns it or another in its place. */
  readonly onError?: (error: Error) => unknown
}

/** A function that the other thread may call. */
export type Callee = (...args: readonly unknown[]) => unknown

/** Contents of this size are moved to the other thread; below, copying is quicker. */
const worthMoving = 65_536

/**
 * The value in a form that structured clone keeps whole.
 * @param where the option's name, for the message
 * @throws OptionError naming the option that cannot cross, and what to write instead
 */
export function pack(value: unknown, where: string, packing: Packing): unknown {
  if (typeof value === 'function') return packFunction(value as Callee, packing)
  if (typeof value === 'symbol') return refuse(value, where, packing)
  if (typeof value !== 'object' || value === null) return packPrimitive(value, packing)
  const within = (packing.within ??= new Set())
  if (within.has(value)) return cut(where, packing)
  within.add(value)
  try {
    return packObject(value, where, packing)
  } finally {
    within.delete(value)
  }
}

function packObject(value: object, where: string, packing: Packing): unknown {
  if (Array.isArray(value)) return value.map((item, index) => pack(item, `${where}[${index}]`, packing))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    return packFields(value as Readonly<Record<string, unknown>>, where, packing)
  }
  return packInstance(value, where, packing)
}

function packPrimitive(value: unknown, packing: Packing): unknown {
  const isPlain =
    typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value) || value === null
  if (!isPlain) packing.needsClone = true
  return value
}

/** What `json` says, as JSON reads it here: with the methods `toJSON` of classes that the other thread does not know. */
export function packJson(json: unknown, packing: Packing): unknown {
  const content = toContent({ json }) as Content
  return tagged('json', pack((content.body as { readonly bytes: Uint8Array }).bytes, 'json', packing))
}

/** The fields of an object, packed. */
function packFields(object: Readonly<Record<string, unknown>>, where: string, packing: Packing): object {
  const packed: Record<string, unknown> = {}
  for (const name of Object.keys(object)) {
    setField(packed, name, pack(object[name], where === '' ? name : `${where}.${name}`, packing))
  }
  return packed
}

/** Assigned, a field of the name `__proto__` would be none, but the prototype. */
function setField(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value
  else Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true })
}

function packInstance(value: object, where: string, packing: Packing): unknown {
  if (value instanceof Uint8Array) return copyOf(value, packing)
  if (value instanceof Response) return tagged('response', packResponse(value, packing))
  if (value instanceof DOMException) return asItIs(value, packing)
  if (value instanceof Error)
    return tagged(
      'error',
      packError(value, (each) => pack(each, where, packing)),
    )
  if (value instanceof URL) return tagged('url', value.href)
  if (value instanceof Headers) return tagged('headers', [...value])
  if (value instanceof URLSearchParams) return tagged('search', value.toString())
  if (value instanceof FormData) return asItIs(tagged('form', [...value].map(formEntry)), packing)
  // one that fires later cannot be heard of by a thread that is blocked
  if (value instanceof AbortSignal)
    return value.aborted
      ? asItIs(tagged('aborted', pack(value.reason, where, asDetail(packing))), packing)
      : packPrimitive(undefined, packing)
  if (packing.keep === undefined) {
    // they may hold what structured clone refuses
    if (value instanceof Map) return tagged('map', pack([...value], where, packing))
    if (value instanceof Set) return tagged('set', pack([...value], where, packing))
  }
  if (ArrayBuffer.isView(value) || cloneable.some((each) => value instanceof each))
    return asItIs(value, packing)
  return refuse(value, where, packing)
}

/** For structured clone, and nothing less. */
function asItIs<Value>(value: Value, packing: Packing): Value {
  packing.needsClone = true
  return value
}

/** What structured clone keeps as it is. */
const cloneable = [ArrayBuffer, SharedArrayBuffer, Blob, Date, RegExp, Map, Set, String, Number, Boolean]

function packFunction(callee: Callee, packing: Packing): unknown {
  const { keep } = packing
  return keep === undefined ? packPrimitive(undefined, packing) : tagged('function', keep(callee))
}

function packResponse(response: Response, packing: Packing): PortableResponse {
  const { error } = response
  return {
    reply: packReply(response, (bytes) => copyOf(bytes, packing)),
    error: error === undefined ? undefined : pack(error, 'error', asDetail(packing)),
  }
}

/** Exactly these bytes: structured clone would take along all of the memory that they are a part of. */
function copyOf(bytes: Uint8Array, packing: Packing): Uint8Array {
  const copy = new Uint8Array(bytes)
  if (copy.byteLength >= worthMoving) packing.transfer.push(copy.buffer)
  return asItIs(copy, packing)
}

function formEntry([name, value]: [string, string | File]): readonly unknown[] {
  return typeof value === 'string'
    ? [name, value]
    : [name, new Blob([value], { type: value.type }), value.name]
}

function refuse(value: unknown, where: string, packing: Packing): undefined {
  if (packing.keep === undefined) return asItIs(undefined, packing)
  throw new OptionError(adviceFor(value, where))
}

/** What is a part of itself has no end. */
function cut(where: string, packing: Packing): undefined {
  if (packing.keep === undefined) return asItIs(undefined, packing)
  throw new OptionError(`${where}: cannot be used by a SyncSession: it contains itself`)
}

/** Of what is no option: what cannot cross is left out. */
function asDetail({ transfer, within }: Packing): Packing {
  return within === undefined ? { transfer } : { transfer, within }
}

/** Of an error only what is text, for one that cannot cross otherwise. */
export function packPlainly(error: Error): Tagged {
  const [message, stack] = [error.message, error.stack].map(String)
  return tagged('error', {
    class: 'Error',
    message: message as string,
    stack,
    fields: {},
  } satisfies PortableError)
}

/** A value in the form that {@link unpack} makes a thing of this kind of. */
export function tagged(kind: keyof typeof unpackers, value: unknown): Tagged {
  return { [tag]: kind, value }
}

/** The value that was packed. */
export function unpack(value: unknown, unpacking: Unpacking): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => unpack(item, unpacking))
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  if (tag in value) {
    const { [tag]: kind, value: content } = value as Tagged
    return unpackers[kind](content, unpacking)
  }
  const object: Record<string, unknown> = {}
  for (const [name, each] of Object.entries(value)) setField(object, name, unpack(each, unpacking))
  return object
}

const unpackers = {
  url: (href) => new URL(href as string),
  headers: (pairs) => new Headers(pairs as [string, string][]),
  json: (bytes) => JSON.parse(Buffer.from(bytes as Uint8Array).toString()) as unknown,
  map: (entries, unpacking) => new Map(unpack(entries, unpacking) as [unknown, unknown][]),
  set: (items, unpacking) => new Set(unpack(items, unpacking) as unknown[]),
  search: (text) => new URLSearchParams(text as string),
  aborted: (reason, unpacking) => AbortSignal.abort(unpack(reason, unpacking)),
  form(entries) {
    const form = new FormData()
    for (const [name, value, filename] of entries as [string, string | Blob, string][]) {
      if (typeof value === 'string') form.append(name, value)
      else form.append(name, value, filename)
    }
    return form
  },
  function(number, { call }) {
    return (...args: readonly unknown[]) => call?.(number as number, args)
  },
  error(portable, unpacking) {
    const error = unpackError(portable as PortableError, (each) => unpack(each, unpacking))
    return unpacking.onError === undefined ? error : unpacking.onError(error)
  },
  response(portable, unpacking) {
    const { reply, error } = portable as PortableResponse
    return new Response(unpackReply(reply), {
      error: unpack(error, unpacking) as Response['error'],
    })
  },
} satisfies Record<string, (content: unknown, unpacking: Unpacking) => unknown>
