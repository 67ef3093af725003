/** A Lua script: what it says, and the SHA-1 (40 lower-case hex digits) by which a server remembers it. */
export interface Script {
  readonly source: string
  readonly sha1: string
}

/** What a server answers, whatever client asked: the same in RESP2 and RESP3. */
export type RedisReply = string | number | Buffer | null | readonly RedisReply[]

/**
 * The few commands that the stores of `RedisBackend` need, on one server or on a cluster.
 *
 * Every call has a deadline. A failure rejects with a `SessionError` whose code is `ERR_BACKEND` and whose
 * cause is what the client said; it never hangs.
 */
export interface RedisCommands {
  /** Runs a script by its SHA-1, or by its source where the server does not know it. All keys in one slot. */
  evaluate(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<RedisReply>

  /** Whether keys are spread over several servers, by slots; undefined as long as that is not known. */
  readonly clustered?: boolean | undefined

  /** Which of several servers has a key, each of which may fail by itself; undefined where that is one, or not known. */
  partOf?(key: () => string): string | undefined

  /** Every key that starts with `prefix`, on every master, in pages. A key may appear more than once. */
  scan(prefix: string): AsyncIterable<readonly string[]>

  /** Removes keys, in whatever slots they are; resolves to how many there were. */
  unlink(keys: readonly string[]): Promise<number>
}

/** What cache stores need beside that. */
export interface CacheCommands extends RedisCommands {
  /** Any other command, with its keys right behind its name; bulk strings come back as bytes. */
  command(name: string, keys: readonly string[], args?: readonly (string | Buffer)[]): Promise<RedisReply>
}
