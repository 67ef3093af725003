import { existsSync, readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { randomUUID } from 'node:crypto'
import { CookieJar, MemoryCookieStore, type Cookie } from 'tough-cookie'
import { type Clock, systemClock, type Timer } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { type CookieFileOptions, type CookieJarLike, isCookieJar } from './cookie-options.ts'

/** A jar, and how to have it on disk. */
export interface OpenJar {
  readonly jar: CookieJarLike
  /**
   * Resolves when all changes so far are in the file; at once when there is none.
   * @throws SessionError ERR_COOKIE when it cannot be written
   */
  readonly flush: () => Promise<void>
}

/** How long changes are gathered before they are written. */
const gathering: Microseconds = 100_000

/**
 * The jar that the option `cookies` asks for.
 * @throws SessionError ERR_COOKIE when its file cannot be read, or is no cookie file
 */
export function openJar(
  option: true | CookieJarLike | CookieFileOptions,
  clock: Clock = systemClock,
): OpenJar {
  if (option === true) return { jar: new CookieJar(), flush: () => Promise.resolve() }
  if (isCookieJar(option)) return { jar: option, flush: () => Promise.resolve() }
  const store = new WatchedStore()
  const jar = load(option.file, store)
  const file = new CookieFile(option.file, jar, clock)
  store.onChange = () => file.changed()
  return { jar, flush: () => file.flush() }
}

/** Keeps a file up with a jar: one write at a time, each a whole new file. */
class CookieFile {
  readonly #path: string
  readonly #jar: CookieJar
  readonly #clock: Clock
  #dirty = false
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string, jar: CookieJar, clock: Clock) {
    this.#path = path
    this.#jar = jar
    this.#clock = clock
  }

  /** Writes soon. Nobody awaits that, so what fails is said as a warning, and thrown by the next `flush`. */
  changed(): void {
    this.#dirty = true
    this.#timer ??= this.#clock.timer(this.#clock.now() + gathering, () => {
      this.flush().catch((error: SessionError) => process.emitWarning(error))
    })
  }

  flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const write = (): Promise<void> => this.#write()
    this.#writing = this.#writing.then(write, write)
    return this.#writing
  }

  async #write(): Promise<void> {
    if (!this.#dirty) return
    this.#dirty = false
    const temporary = `${this.#path}.${randomUUID()}.tmp`
    try {
      await writeFile(temporary, JSON.stringify(this.#jar.serializeSync()), { mode: 0o600, flush: true })
      await rename(temporary, this.#path)
    } catch (cause) {
      this.#dirty = true
      await rm(temporary, { force: true })
      throw failure(this.#path, 'cannot be written', 'check the directory and its permissions', cause)
    }
  }
}

function load(path: string, store: MemoryCookieStore): CookieJar {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' && existsSync(dirname(path)))
      return new CookieJar(store)
    throw failure(path, 'cannot be read', 'check the path and its permissions', cause)
  }
  try {
    return CookieJar.deserializeSync(text, store)
  } catch {
    // The parser's error would quote the file, and so the cookies.
    throw failure(path, 'is no cookie file', 'delete it, or name another file')
  }
}

function failure(path: string, what: string, advice: string, cause?: unknown): SessionError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const reason = code === undefined ? '' : ` (${code})`
  return new SessionError('ERR_COOKIE', `cookies.file '${path}' ${what}${reason}; ${advice}`, { cause })
}

type Done = (error: Error | null) => void

/** A store in memory that says when it changes, whoever changes it. */
class WatchedStore extends MemoryCookieStore {
  onChange: () => void = () => {}

  override putCookie(cookie: Cookie): Promise<void>
  override putCookie(cookie: Cookie, done: Done): void
  override putCookie(cookie: Cookie, done?: Done): unknown {
    this.onChange()
    return super.putCookie(cookie, done as Done)
  }

  override removeCookie(domain: string, path: string, key: string): Promise<void>
  override removeCookie(domain: string, path: string, key: string, done: Done): void
  override removeCookie(domain: string, path: string, key: string, done?: Done): unknown {
    this.onChange()
    return super.removeCookie(domain, path, key, done as Done)
  }

  override removeCookies(domain: string, path: string): Promise<void>
  override removeCookies(domain: string, path: string, done: Done): void
  override removeCookies(domain: string, path: string, done?: Done): unknown {
    this.onChange()
    return super.removeCookies(domain, path, done as Done)
  }

  override removeAllCookies(): Promise<void>
  override removeAllCookies(done: Done): void
  override removeAllCookies(done?: Done): unknown {
    this.onChange()
    return super.removeAllCookies(done as Done)
  }
}
