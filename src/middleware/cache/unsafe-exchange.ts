import { cacheKey, type KeySettings } from '../../cache/key.ts'
import { keysOf, policyOf, type RuledSettings } from '../../cache/rules.ts'
import type { SafeStore } from '../../cache/safe-store.ts'
import { answersGet, changedUrls, mayAnswerGet } from '../../cache/unsafe.ts'
import type { Next, Reply } from '../../core/reply.ts'
import type { Request } from '../../core/request.ts'
import { announced } from './announcements.ts'
import type { Asked } from './keeper.ts'
import type { OriginAnswer, OriginExchange } from './origin-exchange.ts'

/** Sends what changes a resource, and invalidates what is stored of it (RFC 9111, 4.4). */
export class UnsafeExchange {
  readonly #store: SafeStore
  readonly #origin: OriginExchange
  readonly #settings: KeySettings & RuledSettings

  constructor(store: SafeStore, origin: OriginExchange, settings: KeySettings & RuledSettings) {
    this.#store = store
    this.#origin = origin
    this.#settings = settings
  }

  /** @throws what the rest of the chain throws */
  async send(request: Request, next: Next): Promise<Reply> {
    const policy = policyOf(request.url, this.#settings)
    if (!mayAnswerGet(request, policy)) {
      const reply = await next(request)
      this.#invalidate(request, reply)
      return passedBy(reply, false)
    }
    const asGet = toGet(request, request.url)
    const key = cacheKey(asGet, this.#settings, policy.mode)
    const { reply, stored, content } = await announced(this.#store, {
      key,
      ask: (token) => this.#sendAndKeep(request, { request: asGet, key, policy }, next, token),
      ended: (answer) => answer.content?.decided,
    })
    const stream = content === undefined ? reply.stream : content.open(undefined)
    return passedBy({ ...reply, request, stream }, stored)
  }

  async #sendAndKeep(
    request: Request,
    asked: Omit<Asked, 'demand'>,
    next: Next,
    token: string | undefined,
  ): Promise<Pick<OriginAnswer, 'reply' | 'stored' | 'content'>> {
    const { key } = asked
    const { invalidations } = this.#store
    const began = invalidations.begin()
    const reply = await next(request)
    // what others have changed meanwhile counts, what it changes itself does not
    const isCurrent = invalidations.allows(key, began)
    this.#invalidate(request, reply, token)
    if (!isCurrent || !answersGet(request, reply)) return { reply, stored: false }
    return this.#origin.keep(asked, reply, token)
  }

  /** @param keeping by which the answer itself is to be stored */
  #invalidate(request: Request, reply: Reply, keeping?: string): void {
    // RFC 9111, 4.4: an unsafe method that did not fail
    if (reply.status < 200 || reply.status >= 400) return
    for (const url of changedUrls(request, reply)) {
      for (const key of keysOf(toGet(request, url), this.#settings)) this.#store.invalidate(key, keeping)
    }
  }
}

/** The GET whose answers are stored: a user’s `cacheKey` may look at the method and the content. */
function toGet(request: Request, url: URL): Request {
  return { ...request, url, method: 'GET', body: undefined }
}

function passedBy(reply: Reply, stored: boolean): Reply {
  return { ...reply, cacheStatus: { hit: false, fwd: 'method', ...(stored ? { stored } : {}) } }
}
