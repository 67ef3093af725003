import assert from 'node:assert/strict'

/*
 * What HTTP Archive 1.2 requires, written out: which members an object must have, which it may have, and their types.
 * Members that begin with an underscore are anybody's.
 */

type Check = (value: unknown, at: string) => void

interface Shape {
  readonly required: Readonly<Record<string, Check>>
  readonly optional?: Readonly<Record<string, Check>>
}

const text: Check = (value, at) => assert.equal(typeof value, 'string', at)
const flag: Check = (value, at) => assert.equal(typeof value, 'boolean', at)
const whole: Check = (value, at) => assert.ok(Number.isInteger(value), `${at}: ${String(value)}`)
const atLeast =
  (least: number): Check =>
  (value, at) =>
    assert.ok(typeof value === 'number' && value >= least, `${at}: ${String(value)}`)
const oneOf =
  (...values: string[]): Check =>
  (value, at) =>
    assert.ok(values.includes(value as string), `${at}: ${String(value)}`)
const url: Check = (value, at) =>
  assert.ok(/^https?:\/\/[\w!#$%&'()*+,./:;=?@~-]+$/.test(value as string), at)

const instant: Check = (value, at) => {
  assert.match(value as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/, at)
  assert.ok(!Number.isNaN(Date.parse(value as string)), at)
}

const list =
  (each: Check): Check =>
  (value, at) => {
    assert.ok(Array.isArray(value), `${at} is no list`)
    for (const [index, item] of value.entries()) each(item, `${at}[${index}]`)
  }

const object =
  ({ required, optional = {} }: Shape): Check =>
  (value, at) => {
    assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${at} is no object`)
    for (const name of Object.keys(required)) assert.ok(name in value, `${at}.${name} is missing`)
    const known: Readonly<Record<string, Check>> = { ...required, ...optional, comment: text }
    for (const [name, member] of Object.entries(value)) {
      if (name.startsWith('_')) continue
      assert.ok(Object.hasOwn(known, name), `${at}.${name} is not in HAR 1.2`)
      known[name]?.(member, `${at}.${name}`)
    }
  }

const pair = object({ required: { name: text, value: text } })
const cookie = object({
  required: { name: text, value: text },
  optional: { path: text, domain: text, expires: instant, httpOnly: flag, secure: flag },
})
const program = object({ required: { name: text, version: text } })
const cacheState = object({
  required: { lastAccess: instant, eTag: text, hitCount: whole },
  optional: { expires: instant },
})

const request = object({
  required: {
    method: text,
    url,
    httpVersion: text,
    cookies: list(cookie),
    headers: list(pair),
    queryString: list(pair),
    headersSize: atLeast(-1),
    bodySize: atLeast(-1),
  },
  optional: {
    postData: object({ required: { mimeType: text }, optional: { text, params: list(pair) } }),
  },
})

const response = object({
  required: {
    status: atLeast(0),
    statusText: text,
    httpVersion: text,
    cookies: list(cookie),
    headers: list(pair),
    content: object({
      required: { size: atLeast(0), mimeType: text },
      optional: { compression: whole, text, encoding: oneOf('base64') },
    }),
    redirectURL: text,
    headersSize: atLeast(-1),
    bodySize: atLeast(-1),
  },
})

const timings = object({
  required: { send: atLeast(0), wait: atLeast(0), receive: atLeast(0) },
  optional: { blocked: atLeast(-1), dns: atLeast(-1), connect: atLeast(-1), ssl: atLeast(-1) },
})

const entry: Check = (value, at) => {
  object({
    required: {
      startedDateTime: instant,
      time: atLeast(0),
      request,
      response,
      cache: object({ required: {}, optional: { beforeRequest: cacheState, afterRequest: cacheState } }),
      timings,
    },
    optional: { pageref: text, serverIPAddress: text, connection: text },
  })(value, at)
  const { time, timings: phases } = value as { time: number; timings: Record<string, number> }
  const { ssl: _, ...disjoint } = phases // ssl is a part of connect
  const sum = Object.values(disjoint).reduce((total, phase) => total + Math.max(phase, 0), 0)
  assert.ok(Math.abs(sum - time) < 0.001, `${at}.time: ${time} is not the sum of the phases, ${sum}`)
}

const archive = object({
  required: {
    log: object({
      required: { version: oneOf('1.2'), creator: program, entries: list(entry) },
      optional: { browser: program, pages: list((_, at) => assert.fail(`${at}: no pages are expected`)) },
    }),
  },
})

/** Asserts that this, once it was JSON, is an HTTP Archive 1.2. */
export function assertHar(har: unknown): void {
  archive(JSON.parse(JSON.stringify(har)), 'har')
}
