import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError } from '../../src/core/errors.ts'
import { httpbin } from '../../src/testing/httpbin.ts'
import { type UrlName, Urls, type UrlsOptions } from '../../src/testing/urls.ts'

test('the base comes from options, or from a URL', () => {
  assert.equal(new Urls().base, 'http://127.0.0.1:8080')
  assert.equal(new Urls({ host: 'localhost', port: 1, protocol: 'https' }).base, 'https://localhost:1')
  assert.equal(new Urls('http://127.0.0.1:99/').base, 'http://127.0.0.1:99')
  assert.equal(new Urls('http://x.example/httpbin/').ip(), 'http://x.example/httpbin/ip')
})

test('there is one method per endpoint', () => {
  const urls = new Urls()
  const made = [
    urls.get({ id: 7, tag: ['a', 'b c'], none: undefined }),
    urls.status(),
    urls.status(500, 503),
    urls.bytes(5, { seed: 1 }),
    urls.drip({ duration: 1, numbytes: 2 }),
    urls.image(),
    urls.image('png'),
    urls.redirect(3),
    urls.delay(0.5),
    urls.path('/links/3'),
  ]
  assert.deepEqual(
    made.map((url) => url.slice(urls.base.length)),
    [
      '/get?id=7&tag=a&tag=b+c',
      '/status/200',
      '/status/500,503',
      '/bytes/5?seed=1',
      '/drip?duration=1&numbytes=2',
      '/image',
      '/image/png',
      '/redirect/3',
      '/delay/0.5',
      '/links/3',
    ],
  )
})

test('every URL is one that httpbin answers', async () => {
  await using server = await httpbin()
  const urls = new Urls(server.url, { seed: 1 })
  const methods = new Map([
    [urls.post(), 'POST'],
    [urls.put(), 'PUT'],
    [urls.patch(), 'PATCH'],
    [urls.delete(), 'DELETE'],
  ])
  const gets = [
    ...[urls.ip(), urls.uuid(), urls.get(), urls.anything(), urls.headers(), urls.json(), urls.cookies()],
    ...[
      urls.cache(),
      urls.status(200),
      urls.bytes(3),
      urls.drip({ duration: 0 }),
      urls.image(),
      urls.image('webp'),
    ],
    ...[urls.redirect(1), urls.delay(0), urls.random()],
  ]
  for (const url of [...gets, ...methods.keys()]) {
    const response = await fetch(url, { method: methods.get(url) ?? 'GET' })
    await response.bytes()
    assert.equal(response.status, 200, url)
  }
})

test('many gives one endpoint’s URL so many times, when asked', () => {
  const urls = new Urls()
  assert.deepEqual([...urls.many(2, 'status', 404)], [urls.status(404), urls.status(404)])
  assert.deepEqual([...urls.many(0, 'ip')], [])
  const endless = urls.many(Number.POSITIVE_INFINITY, 'get', { id: 1 })
  assert.equal(endless.next().value, urls.get({ id: 1 }))
})

test('random URLs stay in their range, reach both ends, and repeat with the seed', () => {
  const urls = new Urls({ seed: 5 })
  const made = urls.randomUrls(1_000, 3, 7)
  assert.equal(made.length, 1_000)
  const counts = new Map<string, number>()
  for (const url of made) counts.set(url, (counts.get(url) ?? 0) + 1)
  assert.deepEqual(
    [...counts.keys()].sort(),
    [3, 4, 5, 6, 7].map((id) => urls.get({ id })),
  )
  for (const count of counts.values()) assert.ok(count > 140 && count < 260)
  assert.deepEqual(new Urls({ seed: 5 }).randomUrls(1_000, 3, 7), made)
  assert.notDeepEqual(new Urls({ seed: 6 }).randomUrls(1_000, 3, 7), made)
  assert.notDeepEqual(new Urls().randomUrls(20), new Urls().randomUrls(20))
})

test('nonsense is an error that names it', () => {
  const bad: (() => unknown)[] = [
    () => new Urls({ prot: 1 } as UrlsOptions),
    () => new Urls({ port: 0 }),
    () => new Urls({ port: 70_000 }),
    () => new Urls({ protocol: 'ftp' } as unknown as UrlsOptions),
    () => new Urls('nowhere'),
    () => new Urls('ftp://x'),
    () => new Urls({ seed: -1 }),
    () => new Urls().randomUrls(-1),
    () => new Urls().randomUrls(1, 5, 4),
    () => new Urls().many(1, 'nothing' as UrlName),
  ]
  for (const make of bad) assert.throws(make, OptionError, make.toString())
})
