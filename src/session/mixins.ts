import type { CacheMixinOptions, Feature, RatelimitMixinOptions } from './feature-options.ts'

/** What tells a session, blocking or not, from anything else. */
export interface SessionLike {
  request(method: string, url: string | URL): unknown
  requests(urls: string): unknown
  clearCache(): unknown
  close(): unknown
}

/** A session class: `Session` or `SyncSession` itself, or what a mixin or a user made of it. */
// oxlint-disable-next-line typescript/no-explicit-any -- a mixin must take constructors of every option type
export type SessionClass = new (options?: any) => SessionLike

/** The options that a session class takes. */
export type OptionsOf<Base extends SessionClass> = Base extends new (options?: infer Options) => SessionLike
  ? Options
  : never

/** Each member of a union without a name. */
type Without<Options, Name extends string> = Options extends unknown ? Omit<Options, Name> : never

/** A session class that takes more options. */
export type Extended<Base extends SessionClass, Options> = new (options?: Options) => InstanceType<Base>

/**
 * A session class with a rate limit: its options are the limiter’s, beside those of `Base`.
 * @example
 * class ApiSession extends RatelimitMixin(Session) {}
 * const session = new ApiSession({ type: 'slidingwindow', limit: 10, window: '1s' })
 */
export function RatelimitMixin<Base extends SessionClass>(
  base: Base,
): Extended<Base, Without<OptionsOf<Base>, 'ratelimit'> & RatelimitMixinOptions> {
  return withFeature(base, 'ratelimit') as never
}

/**
 * A session class with a cache: its options are the cache’s, beside those of `Base`.
 * @example
 * class ApiSession extends CacheMixin(RatelimitMixin(Session)) {}
 * const session = new ApiSession({ limit: 10, window: '1s', cacheTimeout: '10m' })
 */
export function CacheMixin<Base extends SessionClass>(
  base: Base,
): Extended<Base, Without<OptionsOf<Base>, 'cache'> & CacheMixinOptions> {
  return withFeature(base, 'cache') as never
}

/** What a feature changes is the options that the constructor takes; the types above say how. */
function withFeature(base: SessionClass, feature: Feature): unknown {
  const parent = base as (new (options?: object) => object) & { readonly features: ReadonlySet<Feature> }
  return class extends parent {
    static override readonly features = new Set([...parent.features, feature])
  }
}
