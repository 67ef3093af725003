import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { NetworkError } from '../../src/core/errors.ts'
import { fieldValue } from '../../src/core/field-list.ts'
import { redirectMiddleware } from '../../src/middleware/redirect.ts'
import { redirectRequest } from '../../src/middleware/redirect-request.ts'
import { bodyOf, bytes, chain, readAll, reply, request, serve, stream, text } from './support.ts'

/** `/302?to=/x` answers with that status and Location; everything else tells what arrived. */
async function redirector(t: Parameters<typeof serve>[0]): Promise<string> {
  return serve(t, (message, response) => {
    const url = new URL(message.url as string, 'http://localhost')
    const to = url.searchParams.get('to')
    const status = Number(url.pathname.slice(1))
    if (status >= 300) {
      response.writeHead(status, to === null ? {} : { location: to })
      response.end(`moved ${status}`)
      return
    }
    void echo(message).then((arrived) => response.end(JSON.stringify(arrived)))
  })
}

interface Arrived {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

async function echo(message: IncomingMessage): Promise<unknown> {
  const { method, url, headers } = message
  return { method, url, headers, body: await bodyOf(message) }
}

const arrived = (answer: Parameters<typeof text>[0]): Arrived => JSON.parse(text(answer)) as Arrived

const rewritten: readonly [number, string, string, boolean][] = [
  [301, 'POST', 'GET', false],
  [302, 'POST', 'GET', false],
  [303, 'POST', 'GET', false],
  [303, 'PUT', 'GET', false],
  [301, 'PUT', 'PUT', true],
  [302, 'PATCH', 'PATCH', true],
  [307, 'POST', 'POST', true],
  [308, 'PUT', 'PUT', true],
]
for (const [status, method, then, keepsBody] of rewritten) {
  test(`${status} turns ${method} into ${then} ${keepsBody ? 'with' : 'without'} its body`, async (t) => {
    const origin = await redirector(t)
    const send = chain(t, redirectMiddleware)
    const headers = ['Content-Type', 'text/plain', 'X-Kept', 'yes']
    const answer = await send(
      request(`${origin}/${status}?to=/end`, { method, headers, body: bytes('content') }),
    )
    const seen = arrived(answer)
    assert.equal(seen.method, then)
    assert.equal(seen.body, keepsBody ? 'content' : '')
    assert.equal(seen.headers['content-type'], keepsBody ? 'text/plain' : undefined)
    assert.equal(seen.headers['x-kept'], 'yes')
  })
}

test('HEAD stays HEAD on 303', async (t) => {
  const origin = await redirector(t)
  const answer = await chain(t, redirectMiddleware)(request(`${origin}/303?to=/end`, { method: 'HEAD' }))
  assert.equal(answer.request.method, 'HEAD')
  assert.equal(answer.request.url.pathname, '/end')
})

test('history holds each reply on the way, first one first, and the last URL is the reply’s', async (t) => {
  const origin = await redirector(t)
  const second = `/307?to=${encodeURIComponent('/end?x=1')}`
  const answer = await chain(
    t,
    redirectMiddleware,
  )(request(`${origin}/301?to=${encodeURIComponent(second)}#part`))
  assert.deepEqual(
    answer.history.map((hop) => [hop.status, text(hop)]),
    [
      [301, 'moved 301'],
      [307, 'moved 307'],
    ],
  )
  assert.equal(answer.request.url.href, `${origin}/end?x=1#part`)
})

test('a reply that is no redirect is passed on as it is', async () => {
  const first = request('http://127.0.0.1/')
  for (const status of [200, 300, 304, 305, 306, 404]) {
    const answer = reply(first, { status, headers: ['location', '/elsewhere'] })
    assert.equal(await redirectMiddleware(first, () => Promise.resolve(answer)), answer)
  }
})

test('a redirect without a Location, or with an empty one, is the answer', async (t) => {
  const origin = await redirector(t)
  const send = chain(t, redirectMiddleware)
  for (const path of ['/302', '/302?to=']) {
    const answer = await send(request(origin + path))
    assert.equal(answer.status, 302)
    assert.deepEqual(answer.history, [])
  }
})

test('manual gives the redirect itself; error refuses it and says which option does', async (t) => {
  const origin = await redirector(t)
  const send = chain(t, redirectMiddleware)
  const manual = await send(request(`${origin}/302?to=/end`, { features: { redirect: 'manual' } }))
  assert.equal(manual.status, 302)
  await assert.rejects(send(request(`${origin}/302?to=/end`, { features: { redirect: 'error' } })), {
    name: 'NetworkError',
    code: 'ERR_REDIRECT',
    message: /redirect: 'error'/,
  })
})

test('a redirect loop ends with an error that names the limit and the last URLs, without their queries', async (t) => {
  const server = await serve(t, (message, response) => {
    response.writeHead(302, { location: message.url === '/a?secret' ? '/b' : '/a?secret' }).end()
  })
  await assert.rejects(
    chain(t, redirectMiddleware)(request(`${server}/b`, { features: { maxRedirects: 3 } })),
    (error: NetworkError) => {
      assert.equal(error.code, 'ERR_REDIRECT')
      assert.match(error.message, /more than 3 redirects/)
      assert.ok(
        error.message.endsWith(`: ${server}/a?... -> ${server}/b -> ${server}/a?... -> ${server}/b`),
        error.message,
      )
      assert.doesNotMatch(error.message, /secret/)
      return true
    },
  )
})

test('as many redirects as maxRedirects are followed; with 0 none is', async (t) => {
  const origin = await redirector(t)
  const send = chain(t, redirectMiddleware)
  const one = await send(request(`${origin}/302?to=/end`, { features: { maxRedirects: 1 } }))
  assert.equal(one.status, 200)
  await assert.rejects(send(request(`${origin}/302?to=/end`, { features: { maxRedirects: 0 } })), {
    code: 'ERR_REDIRECT',
  })
})

test('a Location that is no URL, or not http(s), is an error', async (t) => {
  const origin = await redirector(t)
  const send = chain(t, redirectMiddleware)
  for (const to of [
    'http://[',
    'ftp://example.org/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:,x',
  ]) {
    await assert.rejects(send(request(`${origin}/302?to=${encodeURIComponent(to)}`)), {
      code: 'ERR_REDIRECT',
    })
  }
})

test('Location is resolved against the URL that was asked for, and its own fragment wins', async (t) => {
  const server = await serve(t, (message, response) => {
    if (message.url === '/deep/er/start') response.writeHead(302, { location: '../up?q#own' })
    response.end()
  })
  const answer = await chain(t, redirectMiddleware)(request(`${server}/deep/er/start#first`))
  assert.equal(answer.request.url.href, `${server}/deep/up?q#own`)
})

test('bytes above ASCII in Location are taken as they are', async (t) => {
  const server = await serve(t, (message, response) => {
    if (message.url === '/') response.writeHead(302, { location: Buffer.from('/café').toString('latin1') })
    response.end(message.url)
  })
  assert.equal(text(await chain(t, redirectMiddleware)(request(server))), '/caf%c3%a9')
})

test('credentials in Location are not sent', async (t) => {
  const origin = await redirector(t)
  const to = `${origin.replace('//', '//user:secret@')}/end`
  const answer = await chain(t, redirectMiddleware)(request(`${origin}/302?to=${encodeURIComponent(to)}`))
  assert.equal(answer.request.url.href, `${origin}/end`)
  assert.equal(arrived(answer).headers['authorization'], undefined)
})

const credentialFields = [
  'Authorization',
  'Bearer t',
  'Cookie',
  'a=b',
  'X-Api-Key',
  'k',
  'Proxy-Authorization',
  'p',
]
const harmlessFields = ['Accept', 'text/csv', 'User-Agent', 'me', 'If-Match', '"v1"', 'Range', 'bytes=0-9']

test('on the same origin all fields stay', async (t) => {
  const origin = await redirector(t)
  const headers = ['Authorization', 'Bearer t', 'X-Api-Key', 'k']
  const seen = arrived(await chain(t, redirectMiddleware)(request(`${origin}/302?to=/end`, { headers })))
  assert.equal(seen.headers['authorization'], 'Bearer t')
  assert.equal(seen.headers['x-api-key'], 'k')
})

test('on another origin only harmless fields arrive, and the way back does not restore the others', async (t) => {
  const [home, away] = [await redirector(t), await redirector(t)]
  const send = chain(t, redirectMiddleware)
  const headers = [...credentialFields, ...harmlessFields]
  const there = `${away}/307?to=${encodeURIComponent(`${home}/end`)}`
  for (const to of [`${away}/end`, there]) {
    const answer = await send(request(`${home}/302?to=${encodeURIComponent(to)}`, { headers }))
    const seen = arrived(answer).headers
    for (const name of ['authorization', 'cookie', 'x-api-key', 'proxy-authorization']) {
      assert.equal(seen[name], undefined, `${name} crossed to another origin`)
    }
    assert.equal(seen['accept'], 'text/csv')
    assert.equal(seen['user-agent'], 'me')
    assert.equal(seen['if-match'], '"v1"')
    assert.equal(seen['range'], 'bytes=0-9')
  }
})

test('features.auth stays behind as well, for another port, host or scheme', () => {
  const auth = { kind: 'bearer', token: 't' } as const
  const first = request('https://api.example/', { headers: credentialFields, features: { auth } })
  const targets = [
    'http://api.example/',
    'https://api.example:8443/',
    'https://example/',
    'https://api.example.org/',
  ]
  for (const target of targets) {
    const second = redirectRequest(first, 302, new URL(target))
    assert.equal(second.features.auth, undefined)
    assert.equal(fieldValue(second.headers, 'authorization'), undefined)
    const back = redirectRequest(second, 302, new URL('https://api.example/back'))
    assert.equal(back.features.auth, undefined)
  }
  const same = redirectRequest(first, 302, new URL('https://api.example:443/else'))
  assert.equal(same.features.auth, auth)
  assert.equal(same.headers, first.headers)
})

test('a body that is a stream cannot follow 307 and 308: the error says so', async (t) => {
  const origin = await redirector(t)
  const send = chain(t, redirectMiddleware)
  for (const status of [307, 308]) {
    const upload = request(`${origin}/${status}?to=/end`, { method: 'POST', body: stream('a', 'b') })
    await assert.rejects(send(upload), { code: 'ERR_REDIRECT', message: /stream.*as bytes/ })
  }
  const posted = await send(request(`${origin}/303?to=/end`, { method: 'POST', body: stream('a', 'b') }))
  assert.equal(arrived(posted).method, 'GET')
})

test('an unread redirect does not hold its connection, and its place in history has no stream', async (t) => {
  const ended = Promise.withResolvers<void>()
  const server = await serve(t, (message, response) => {
    if (message.url === '/end') {
      response.end('end')
      return
    }
    response.once('close', ended.resolve)
    response.writeHead(302, { location: '/end' })
    response.write(Buffer.alloc(1_000_000)) // and no end
  })
  const answer = await chain(t, redirectMiddleware)(request(server, { reading: 'stream' }))
  assert.equal(answer.history[0]?.stream, undefined)
  assert.equal((await readAll(answer.stream)).toString(), 'end')
  await ended.promise
})
