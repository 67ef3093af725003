import { describe } from '../core/duration.ts'
import { checkChoice, checkInteger, checkOptions } from '../core/check-options.ts'
import { OptionError } from '../core/errors.ts'
import { Random } from './random.ts'

/** Options of {@link Urls}. */
export interface UrlsOptions {
  /** Default `'127.0.0.1'`. */
  readonly host?: string
  /** Default 8080. */
  readonly port?: number
  /** Default `'http'`. */
  readonly protocol?: 'http' | 'https'
  /** A whole number that makes the random URLs repeatable; default: different ones each time. */
  readonly seed?: number
}

/** Query parameters; arrays repeat, undefined is left out. */
export type Query = Readonly<Record<string, string | number | readonly (string | number)[] | undefined>>

/** Parameters of {@link Urls.drip}; spans in seconds. */
export interface DripOptions {
  readonly duration?: number
  readonly numbytes?: number
  readonly code?: number
  readonly delay?: number
}

/** Kinds of image; without one the server goes by Accept. */
export type ImageKind = 'png' | 'jpeg' | 'svg' | 'webp'

/** The names of the methods that make one URL. */
export type UrlName = Exclude<keyof Urls, 'base' | 'many' | 'randomUrls'>

/**
 * URLs of an httpbin, one method per endpoint.
 * @example
 * const urls = new Urls({ port: 8080, seed: 1 })
 * urls.get({ id: 7 })           // 'http://127.0.0.1:8080/get?id=7'
 * urls.randomUrls(100, 0, 5)    // a hundred of /get?id=0 … /get?id=5
 * urls.many(100, 'status', 404) // the same URL a hundred times, one by one
 */
export class Urls {
  /** What every URL begins with: `http://127.0.0.1:8080`. */
  readonly base: string
  readonly #random: Random

  /**
   * @param where options, or a base URL such as `httpbin().url`
   * @throws OptionError
   */
  constructor(where: UrlsOptions | string = {}, { seed }: Pick<UrlsOptions, 'seed'> = {}) {
    this.base = typeof where === 'string' ? checkBase(where) : baseOf(where)
    const chosen = typeof where === 'string' ? seed : where.seed
    this.#random = new Random(chosen === undefined ? undefined : checkInteger(chosen, 0, 'seed'))
  }

  /** Any path of the server. */
  path(path: string, query: Query = {}): string {
    const pairs = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      for (const each of [value].flat()) if (each !== undefined) pairs.append(name, String(each))
    }
    return `${this.base}${path}${pairs.size === 0 ? '' : '?'}${pairs.toString()}`
  }

  ip(query?: Query): string {
    return this.path('/ip', query)
  }

  uuid(query?: Query): string {
    return this.path('/uuid', query)
  }

  get(query?: Query): string {
    return this.path('/get', query)
  }

  post(query?: Query): string {
    return this.path('/post', query)
  }

  put(query?: Query): string {
    return this.path('/put', query)
  }

  patch(query?: Query): string {
    return this.path('/patch', query)
  }

  delete(query?: Query): string {
    return this.path('/delete', query)
  }

  anything(query?: Query): string {
    return this.path('/anything', query)
  }

  headers(query?: Query): string {
    return this.path('/headers', query)
  }

  json(query?: Query): string {
    return this.path('/json', query)
  }

  cookies(query?: Query): string {
    return this.path('/cookies', query)
  }

  cache(query?: Query): string {
    return this.path('/cache', query)
  }

  /** Answers with this status, or with one of several at random. */
  status(...codes: number[]): string {
    return this.path(`/status/${codes.length === 0 ? 200 : codes.join(',')}`)
  }

  /** `count` random bytes; the same ones for the same `seed`. */
  bytes(count: number, query?: { readonly seed?: number }): string {
    return this.path(`/bytes/${count}`, query)
  }

  /** Bytes that come slowly. */
  drip(options?: DripOptions): string {
    return this.path('/drip', { ...options })
  }

  image(kind?: ImageKind): string {
    return this.path(kind === undefined ? '/image' : `/image/${kind}`)
  }

  /** `hops` redirects, then `/get`. */
  redirect(hops: number): string {
    return this.path(`/redirect/${hops}`)
  }

  /** An answer after `seconds`. */
  delay(seconds: number): string {
    return this.path(`/delay/${seconds}`)
  }

  /** `/get?id=k` with a random whole k between `min` and `max`, both included. */
  random(min = 0, max = 100): string {
    checkRange(min, max)
    return this.get({ id: this.#random.integer(min, max) })
  }

  /** `count` of {@link Urls.random}. */
  randomUrls(count: number, min = 0, max = 100): string[] {
    return [...this.many(count, 'random', min, max)]
  }

  /**
   * `count` URLs of one endpoint, made when asked for; `Infinity` for no end.
   * @param args what the method of that name takes
   * @throws OptionError
   */
  many<Name extends UrlName>(
    count: number,
    name: Name,
    ...args: Parameters<Urls[Name]>
  ): Generator<string, void, undefined> {
    if (count !== Number.POSITIVE_INFINITY) checkInteger(count, 0, 'count')
    const make = this[name] as ((...args: readonly unknown[]) => string) | undefined
    if (typeof make !== 'function') throw new OptionError(`name: ${describe(name)} is no endpoint of Urls`)
    return repeat(count, () => make.apply(this, args))
  }
}

function* repeat(count: number, make: () => string): Generator<string, void, undefined> {
  for (let made = 0; made < count; made++) yield make()
}

function baseOf(options: UrlsOptions): string {
  checkOptions(options, ['host', 'port', 'protocol', 'seed'], 'Urls')
  const { host = '127.0.0.1', port = 8080, protocol = 'http' } = options
  checkChoice(protocol, ['http', 'https'], 'protocol')
  return checkBase(`${protocol}://${host}:${checkInteger(port, 1, 'port')}`)
}

function checkBase(base: string): string {
  const url = URL.parse(base)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new OptionError(`Urls: ${describe(base)} is not a base URL; write 'http://127.0.0.1:8080'`)
  }
  return url.href.replace(/\/$/, '')
}

function checkRange(min: number, max: number): void {
  checkInteger(min, Number.MIN_SAFE_INTEGER, 'min')
  checkInteger(max, min, 'max')
}
