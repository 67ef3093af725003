import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import { parseCacheOptions } from '../../src/cache/options.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Credentials } from '../../src/core/request.ts'
import { parseAuthParameters } from '../../src/http/www-authenticate.ts'
import { authMiddleware } from '../../src/middleware/auth.ts'
import { parseAuth } from '../../src/middleware/auth-options.ts'
import { cacheMiddleware } from '../../src/middleware/cache/cache-middleware.ts'
import { bodyOf, bytes, chain, request, serve, stream, text } from './support.ts'

const digest: Credentials = { kind: 'digest', username: 'Mufasa', password: 'Circle of Life' }

test('basic credentials go with the first request, as UTF-8', async (t) => {
  const origin = await serve(t, (message, response) => response.end(message.headers.authorization))
  const auth: Credentials = { kind: 'basic', username: 'test', password: '123\u00a3' }
  // the example of RFC 7617, 2.1
  assert.equal(
    text(await chain(t, authMiddleware())(request(origin, { features: { auth } }))),
    'Basic dGVzdDoxMjPCow==',
  )
})

test('a bearer token goes with the first request', async (t) => {
  const origin = await serve(t, (message, response) => response.end(message.headers.authorization))
  const auth: Credentials = { kind: 'bearer', token: 'mF_9.B5f-4.1JqM' }
  assert.equal(
    text(await chain(t, authMiddleware())(request(origin, { features: { auth } }))),
    'Bearer mF_9.B5f-4.1JqM',
  )
})

test('an Authorization field that the caller wrote wins', async (t) => {
  const origin = await serve(t, (message, response) => response.end(message.headers.authorization))
  for (const auth of [{ kind: 'bearer', token: 'x' }, digest] as const) {
    const own = request(origin, { headers: ['AUTHORIZATION', 'Custom 1'], features: { auth } })
    assert.equal(text(await chain(t, authMiddleware())(own)), 'Custom 1')
  }
})

test('answers to an Authorization field that the caller wrote are theirs alone, whatever the credentials', async (t) => {
  const origin = await serve(t, (message, response) => {
    response.setHeader('Cache-Control', 'private, max-age=60')
    response.end(`for ${message.headers.authorization}`)
  })
  const cache = cacheMiddleware({
    store: new MemoryCacheStore(),
    clock: systemClock,
    settings: parseCacheOptions({}, 'cache'),
  })
  const send = chain(t, authMiddleware(), cache)
  for (const auth of [{ kind: 'bearer', token: 'x' }, digest] as const) {
    for (const [own, hit] of [
      ['Bearer A', false],
      ['Bearer B', false],
      ['Bearer A', true],
    ] as const) {
      const path = `${origin}/${auth.kind}`
      const answer = await send(request(path, { headers: ['Authorization', own], features: { auth } }))
      assert.deepEqual([text(answer), answer.cacheStatus?.hit], [`for ${own}`, hit])
    }
  }
})

test('without credentials the request is passed on as it is', async (t) => {
  const origin = await serve(t, (message, response) => response.end(String(message.headers.authorization)))
  assert.equal(text(await chain(t, authMiddleware())(request(origin))), 'undefined')
})

/** What a digest server is like. */
interface DigestRules {
  readonly challenges: readonly string[]
  readonly username?: string
  readonly password?: string
  /** Fields of a good answer. */
  readonly info?: () => string
  /** Refuses a good answer all the same, with these challenges. */
  readonly refuse?: (nonce: string, count: string) => readonly string[] | undefined
}

const hashes: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
}

/** A server that checks what RFC 7616 says, written from the RFC alone. Answers with the algorithm and its log. */
async function digestServer(t: TestContext, rules: DigestRules): Promise<{ origin: string; log: string[] }> {
  const { username = 'Mufasa', password = 'Circle of Life' } = rules
  const log: string[] = []
  const origin = await serve(t, async (message, response) => {
    const content = await bodyOf(message)
    const field = message.headers.authorization
    const given = field === undefined ? undefined : parseAuthParameters(field.replace(/^Digest /, ''))
    const challenges =
      given === undefined ? rules.challenges : rules.refuse?.(given.get('nonce') ?? '', given.get('nc') ?? '')
    const isGood =
      given !== undefined && isRight(given, message.method as string, message.url as string, content)
    log.push(
      given === undefined ? 'bare' : `${isGood ? 'good' : 'bad'} ${given.get('nonce')} ${given.get('nc')}`,
    )
    if (!isGood || challenges !== undefined) {
      response.writeHead(401, { 'www-authenticate': [...(challenges ?? rules.challenges)] }).end('no')
      return
    }
    if (rules.info !== undefined) response.setHeader('authentication-info', rules.info())
    response.end(`${given.get('algorithm')} ${given.get('qop')} ${given.get('opaque')}`)
  })
  return { origin, log }

  function isRight(
    given: ReadonlyMap<string, string>,
    method: string,
    uri: string,
    content: string,
  ): boolean {
    const [name = 'MD5', session] = (given.get('algorithm') ?? 'MD5').split('-sess')
    const h = (value: string): string =>
      createHash(hashes[name] as string)
        .update(value)
        .digest('hex')
    const part = (key: string): string => given.get(key) ?? ''
    const sent = given.has('username*')
      ? decodeURIComponent(part('username*').replace("UTF-8''", ''))
      : part('username')
    const realm = Buffer.from(part('realm'), 'latin1').toString()
    const expected = part('userhash') === 'true' ? h(`${username}:${realm}`) : username
    let secret = h(`${username}:${realm}:${password}`)
    if (session !== undefined) secret = h(`${secret}:${part('nonce')}:${part('cnonce')}`)
    const target = h(`${method}:${uri}${part('qop') === 'auth-int' ? `:${h(content)}` : ''}`)
    const middle = given.has('qop') ? `${part('nc')}:${part('cnonce')}:${part('qop')}:` : ''
    const response = h(`${secret}:${part('nonce')}:${middle}${target}`)
    return sent === expected && part('uri') === uri && part('response') === response
  }
}

const challenge = (algorithm: string, nonce = 'n1', rest = 'qop="auth"'): string =>
  `Digest realm="http-auth@example.org", ${rest}, algorithm=${algorithm}, nonce="${nonce}", opaque="o1"`

for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256', 'SHA-512-256-sess']) {
  for (const qop of ['auth', 'auth-int']) {
    test(`digest ${algorithm} with ${qop}`, async (t) => {
      const { origin, log } = await digestServer(t, {
        challenges: [challenge(algorithm, 'n1', `qop="${qop}"`)],
      })
      const send = chain(t, authMiddleware())
      const post = { method: 'POST', body: bytes('content'), features: { auth: digest } }
      const answer = await send(request(`${origin}/dir/index.html?a=b`, post))
      assert.equal(text(answer), `${algorithm} ${qop} o1`)
      assert.equal(answer.attempts, 2)
      await send(request(origin, post))
      assert.deepEqual(log, ['bare', 'good n1 00000001', 'good n1 00000002'])
    })
  }
}

test('the strongest algorithm is chosen, from several challenges in one field or in several', async (t) => {
  const all = [
    challenge('MD5'),
    'Basic realm="x"',
    challenge('SHA-512-256'),
    challenge('SHA-256'),
    challenge('FOO'),
  ]
  for (const challenges of [all, [all.join(', ')]]) {
    const { origin } = await digestServer(t, { challenges })
    const answer = await chain(t, authMiddleware())(request(origin, { features: { auth: digest } }))
    assert.equal(text(answer), 'SHA-512-256 auth o1')
  }
})

test('a challenge as RFC 2069 had it: no qop, no algorithm', async (t) => {
  const { origin } = await digestServer(t, { challenges: ['Digest realm="r", nonce="n"'] })
  const answer = await chain(t, authMiddleware())(request(origin, { features: { auth: digest } }))
  assert.equal(text(answer), 'undefined undefined undefined')
})

test('user names with quotes and beyond ASCII, hashed user names, realms beyond ASCII', async (t) => {
  const names: readonly [string, string][] = [
    ['a "b" \\c', ''],
    ['J\u00e4s\u00f8n *(Doe)\u{1f600}', ''],
    ['J\u00e4s\u00f8n Doe', ', userhash=true'],
  ]
  for (const [username, rest] of names) {
    const password = 'Secret, or not?\u00e9'
    const realm = Buffer.from('\u00fcber').toString('latin1')
    const challenges = [
      `Digest realm="${realm}", nonce="n", qop="auth", algorithm=SHA-256, charset=UTF-8${rest}`,
    ]
    const { origin } = await digestServer(t, { challenges, username, password })
    const auth: Credentials = { kind: 'digest', username, password }
    assert.equal((await chain(t, authMiddleware())(request(origin, { features: { auth } }))).status, 200)
  }
})

test('a wrong password is tried once, and its 401 is the answer', async (t) => {
  const { origin, log } = await digestServer(t, { challenges: [challenge('MD5')], password: 'other' })
  const answer = await chain(t, authMiddleware())(request(origin, { features: { auth: digest } }))
  assert.equal(answer.status, 401)
  assert.deepEqual(log, ['bare', 'bad n1 00000001'])
})

test('a 401 that cannot be answered is the answer', async (t) => {
  const odd = ['Basic realm="x"', 'Digest qop="auth"', challenge('FOO'), challenge('MD5', 'n', 'qop="magic"')]
  const { origin, log } = await digestServer(t, { challenges: odd })
  assert.equal(
    (await chain(t, authMiddleware())(request(origin, { features: { auth: digest } }))).status,
    401,
  )
  assert.deepEqual(log, ['bare'])
})

test('a stale nonce is replaced at once, and the new one is used from then on', async (t) => {
  const { origin, log } = await digestServer(t, {
    challenges: [challenge('SHA-256', 'old')],
    refuse: (nonce, count) =>
      nonce === 'old' && count !== '00000001'
        ? [challenge('SHA-256', 'new', 'qop="auth", stale=true')]
        : undefined,
  })
  const send = chain(t, authMiddleware())
  for (let i = 0; i < 3; i++) {
    assert.equal((await send(request(origin, { features: { auth: digest } }))).status, 200)
  }
  assert.deepEqual(log, [
    'bare',
    'good old 00000001',
    'good old 00000002',
    'good new 00000001',
    'good new 00000002',
  ])
})

test('nextnonce is used for the next request', async (t) => {
  let served = 0
  const info = (): string => `qop=auth, nextnonce="n${Math.min(++served + 1, 3)}"`
  const { origin, log } = await digestServer(t, { challenges: [challenge('MD5')], info })
  const send = chain(t, authMiddleware())
  for (let i = 0; i < 4; i++) await send(request(origin, { features: { auth: digest } }))
  assert.deepEqual(log, [
    'bare',
    'good n1 00000001',
    'good n2 00000001',
    'good n3 00000001',
    'good n3 00000002',
  ])
})

test('a nonce is not used for another origin, user or password', async (t) => {
  const [one, two] = [
    await digestServer(t, { challenges: [challenge('MD5')] }),
    await digestServer(t, { challenges: [challenge('MD5')] }),
  ]
  const send = chain(t, authMiddleware())
  await send(request(one.origin, { features: { auth: digest } }))
  await send(request(two.origin, { features: { auth: digest } }))
  assert.equal(two.log[0], 'bare')
  await send(request(one.origin, { features: { auth: { ...digest, password: 'other' } } }))
  assert.deepEqual(one.log, ['bare', 'good n1 00000001', 'bare', 'bad n1 00000001'])
})

test('many requests at once are all answered, each with a count of its own', async (t) => {
  const { origin, log } = await digestServer(t, { challenges: [challenge('SHA-256')] })
  const send = chain(t, authMiddleware())
  await send(request(origin, { features: { auth: digest } }))
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => send(request(origin, { features: { auth: digest } }))),
  )
  assert.ok(answers.every(({ status }) => status === 200))
  assert.equal(new Set(log).size, 22)
})

test('a body that is a stream is sent where the nonce is known, and is a clear error where it is not', async (t) => {
  const { origin } = await digestServer(t, { challenges: [challenge('MD5')] })
  const send = chain(t, authMiddleware())
  const upload = () => request(origin, { method: 'POST', body: stream('a', 'b'), features: { auth: digest } })
  await assert.rejects(send(upload()), (error: Error) => {
    assert.equal((error as Error & { code: string }).code, 'ERR_BODY')
    assert.match(error.message, /Digest.*stream can be sent only once; give the body as bytes/)
    assert.doesNotMatch(error.message, /Circle|Mufasa/)
    return true
  })
  await send(request(origin, { features: { auth: digest } }))
  assert.equal((await send(upload())).status, 200)
})

test('the option auth becomes credentials', () => {
  const pair = { username: 'u', password: 'p' }
  assert.deepEqual(parseAuth(pair, 'auth'), { kind: 'basic', ...pair })
  assert.deepEqual(parseAuth({ type: 'basic', ...pair }, 'auth'), { kind: 'basic', ...pair })
  assert.deepEqual(parseAuth({ type: 'digest', username: 'a:b', password: '' }, 'auth'), {
    kind: 'digest',
    username: 'a:b',
    password: '',
  })
  assert.deepEqual(parseAuth({ bearer: '1|token' }, 'auth'), { kind: 'bearer', token: '1|token' })
})

test('a wrong auth option is a clear error that shows no secret', () => {
  const wrong: readonly [unknown, RegExp][] = [
    ['u:secret', /auth: a string is no auth; write \{ username, password \}/],
    [null, /no auth/],
    [['u', 'secret'], /an array is no auth/],
    [{}, /auth\.username must be a string/],
    [{ username: 'u' }, /auth\.password must be a string/],
    [{ username: 'u', pasword: 'secret' }, /unknown option 'pasword'; did you mean 'password'/],
    [{ username: 'a:b', password: 'secret' }, /auth\.username.*colon/],
    [{ username: 'u', password: 'secret\r\nX: y' }, /auth\.password.*control/],
    [{ username: 'u', password: 'secret\ud800' }, /auth\.password.*Unicode/],
    [
      { type: 'ntlm', username: 'u', password: 'secret' },
      /auth\.type: 'ntlm' is not one of 'basic', 'digest'/,
    ],
    [{ bearer: 'secret token' }, /auth\.bearer must be a token/],
    [{ bearer: '' }, /auth\.bearer/],
    [{ bearer: 'secret', username: 'u' }, /unknown option 'username'/],
  ]
  for (const [option, message] of wrong) {
    assert.throws(
      () => parseAuth(option, 'auth'),
      (error: Error) => {
        assert.equal(error.name, 'OptionError')
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /secret/)
        return true
      },
    )
  }
})
