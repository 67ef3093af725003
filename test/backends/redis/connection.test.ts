import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import type { RedisReply } from '../../../src/backends/redis/commands.ts'
import { OptionError, SessionError } from '../../../src/core/errors.ts'
import { freePort, RedisServer } from '../../support/redis-server.ts'
import { selfSigned } from '../../transport/certificate.ts'
import {
  backendError,
  commandsFor,
  echoScript,
  eventually,
  rejectsWithin,
  script,
  setScript,
} from './client-support.ts'

const server = await RedisServer.start()
const { port } = server
after(() => server.kill())

for (const protocol of [2, 3] as const) {
  suite(`RESP${protocol}`, () => {
    test('replies are numbers, text, null and lists of them', async () => {
      await using commands = commandsFor({ port, protocol })
      const all = script(
        "return {1, -2, 'text', false, {'inner', {}}, true, redis.call('TYPE', 'none'), '12', ARGV[1]}",
      )
      const reply = await commands.evaluate(all, [], ['ä€😀'])
      assert.deepEqual(reply, [1, -2, 'text', null, ['inner', []], 1, 'none', '12', 'ä€😀'])
      assert.equal(await commands.evaluate(script('return 1790000000123457'), [], []), 1_790_000_000_123_457)
      assert.equal(await commands.evaluate(script('return false'), [], []), null)
    })

    test('bytes are kept, there and back', async () => {
      await using commands = commandsFor({ port, protocol })
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
      assert.equal(
        await commands.evaluate(script("redis.call('SET', KEYS[1], ARGV[1]) return 1"), ['b'], [bytes]),
        1,
      )
      assert.deepEqual(await commands.command('GET', ['b']), bytes)
      assert.equal(await commands.command('GET', ['none']), null)
      await commands.command('HSET', ['hash'], ['field', bytes])
      assert.deepEqual(await commands.command('HMGET', ['hash'], ['field', 'other']), [bytes, null])
      assert.equal(await commands.unlink(['b', 'hash']), 2)
    })

    test('a wrong or missing password fails with what to do, and without the password', async () => {
      const guarded = await RedisServer.start('--requirepass', 'right')
      await using missing = commandsFor({ port: guarded.port, protocol })
      await assert.rejects(missing.evaluate(echoScript, [], ['1']), {
        name: 'OptionError',
        message: /set `password`/,
      })
      await using wrong = commandsFor({ port: guarded.port, protocol, password: 'wrong' })
      await assert.rejects(wrong.evaluate(echoScript, [], ['1']), (error: Error) => {
        assert.doesNotMatch(error.message, /'wrong'|: wrong/)
        return error instanceof OptionError && /does not know this username and password/.test(error.message)
      })
      await using right = commandsFor({ url: `redis://:right@127.0.0.1:${guarded.port}`, protocol })
      assert.equal(await right.evaluate(echoScript, [], ['1']), '1')
      await guarded.kill()
      await assert.rejects(
        right.evaluate(echoScript, [], ['1']),
        (error: Error) => !error.message.includes('right'),
      )
    })
  })
}

test('TLS: with the right certificate, and never without', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
  after(() => rmSync(folder, { recursive: true }))
  const { cert, key } = selfSigned()
  writeFileSync(join(folder, 'cert'), cert)
  writeFileSync(join(folder, 'key'), key)
  const tlsPort = await freePort()
  const secure = await RedisServer.start(
    ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
    ...[
      '--tls-cert-file',
      join(folder, 'cert'),
      '--tls-key-file',
      join(folder, 'key'),
      '--tls-ca-cert-file',
      join(folder, 'cert'),
    ],
  )
  await using trusting = commandsFor({ port: tlsPort, tls: { ca: cert } })
  assert.equal(await trusting.evaluate(echoScript, [], ['1']), '1')
  await using byUrl = commandsFor({ url: `rediss://localhost:${tlsPort}`, tls: { ca: cert }, protocol: 2 })
  assert.equal(await byUrl.evaluate(echoScript, [], ['1']), '1')
  await using careful = commandsFor({ port: tlsPort, tls: true })
  await assert.rejects(careful.evaluate(echoScript, [], ['1']), backendError(/self-signed certificate/))
  await using open = commandsFor({ port: tlsPort })
  await assert.rejects(open.evaluate(echoScript, [], ['1']), backendError(/^Redis at/))
  await secure.kill()
})

test('a script is sent once, and again after SCRIPT FLUSH', async () => {
  await using commands = commandsFor({ port })
  const count = async (name: string): Promise<number> =>
    Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(await server.ask('INFO commandstats'))?.[1] ?? 0)
  const single = script('return 1 + 1')
  await server.ask('CONFIG RESETSTAT')
  for (let call = 0; call < 5; call++) assert.equal(await commands.evaluate(single, [], []), 2)
  assert.deepEqual([await count('evalsha'), await count('eval')], [5, 1])
  await server.ask('SCRIPT FLUSH')
  for (let call = 0; call < 5; call++) assert.equal(await commands.evaluate(single, [], []), 2)
  assert.deepEqual([await count('evalsha'), await count('eval')], [10, 2])
})

test('an error of a script fails the call, the next one does not mind', async () => {
  await using commands = commandsFor({ port })
  const wrong = script("return redis.error_reply('ODD something')")
  await assert.rejects(commands.evaluate(wrong, [], []), (error: SessionError) => {
    assert.match((error.cause as Error).message, /^ODD something/)
    return backendError(/^Redis at 127\.0\.0\.1:\d+ failed: ODD something/)(error)
  })
  assert.equal(await commands.evaluate(echoScript, [], ['1']), '1')
})

test('a database of its own; a name instead of an address', async () => {
  await using third = commandsFor({ host: 'localhost', port, database: 3 })
  await using other = commandsFor({ url: `redis://localhost:${port}/3` })
  await using first = commandsFor({ port })
  await third.evaluate(setScript, ['where'], ['third'])
  assert.equal(await first.command('EXISTS', ['where']), 0)
  assert.equal(String(await other.command('GET', ['where'])), 'third')
})

test('scan finds every key with the prefix, taken literally; unlink removes any number', async () => {
  await using commands = commandsFor({ port, database: 5 })
  const names = Array.from({ length: 3_000 }, (_, index) => `a*[b]?\\^:${index}`)
  await commands.command(
    'MSET',
    [],
    names.flatMap((name) => [name, '1']),
  )
  await commands.command('MSET', [], ['ab', '1', 'a*[b]', '1', 'axbx\\^:1', '1'])
  const found = new Set<string>()
  for await (const page of commands.scan('a*[b]?\\^:')) for (const key of page) found.add(key)
  assert.deepEqual([...found].toSorted(), names.toSorted())
  assert.equal(await commands.unlink([...found, 'none']), 3_000)
  assert.equal(await commands.command('DBSIZE', []), 3)
  assert.equal(await commands.unlink([]), 0)
})

test('where nobody listens calls fail at once; the server is found as soon as it is there', async () => {
  const late = await RedisServer.start()
  await late.kill()
  await using commands = commandsFor({ port: late.port })
  const call = (): Promise<RedisReply> => commands.evaluate(echoScript, [], ['1'])
  await rejectsWithin(100, call, /^Redis at 127\.0\.0\.1:\d+ refuses the connection: is it running\?/)
  await Promise.all(Array.from({ length: 1_000 }, () => assert.rejects(call(), backendError(/refuses/))))
  await late.restart()
  assert.equal(await eventually(call), '1')
  await late.kill()
})

test('a server that is killed fails what is under way; after a restart all is well, scripts included', async () => {
  const mortal = await RedisServer.start()
  await using commands = commandsFor({ port: mortal.port })
  assert.equal(await commands.evaluate(setScript, ['key'], ['1']), '1')
  mortal.freeze()
  const calls = Array.from({ length: 100 }, () => commands.evaluate(setScript, ['key'], ['2']))
  const failures = Promise.all(calls.map((call) => assert.rejects(call, backendError(/^Redis at/))))
  await mortal.kill()
  await failures
  await mortal.restart()
  assert.equal(await eventually(() => commands.evaluate(setScript, ['key'], ['3'])), '3')
  await mortal.kill()
})

test('a frozen server fails calls by their deadline, connected or not; it is used again when it goes on', async () => {
  const frozen = await RedisServer.start()
  await using connected = commandsFor({ port: frozen.port, callTimeout: '200ms' })
  await using fresh = commandsFor({ port: frozen.port, callTimeout: '200ms' })
  assert.equal(await eventually(() => connected.evaluate(echoScript, [], ['1'])), '1')
  frozen.freeze()
  await rejectsWithin(200, () => connected.evaluate(echoScript, [], ['late']), /does not answer in time/)
  await rejectsWithin(200, () => connected.evaluate(echoScript, [], ['2']), /cannot be reached in time/)
  await rejectsWithin(200, () => fresh.evaluate(echoScript, [], ['2']), /cannot be reached in time/)
  await rejectsWithin(200, () => connected.unlink(['a', 'b']), /in time/)
  await rejectsWithin(200, () => connected.scan('').next(), /in time/)
  frozen.resume()
  assert.equal(await eventually(() => connected.evaluate(echoScript, [], ['3'])), '3')
  assert.equal(await eventually(() => fresh.evaluate(echoScript, [], ['4'])), '4')
  await frozen.kill()
})

test('a server that takes no connections is given up after 2 s, and nothing of the attempt is left', async () => {
  const program = `
    const server = require('node:net').createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const idle = Number(line)
  child.kill('SIGSTOP')
  // The system takes so many for it; whoever comes then hears nothing.
  const others = Array.from({ length: 3 }, () => connect({ port: idle, host: '127.0.0.1' }))
  await once(others[0] as Socket, 'connect')
  const connecting = (): number =>
    process.getActiveResourcesInfo().filter((each) => each === 'TCPConnectWrap').length
  const before = connecting()
  await using commands = commandsFor({ port: idle, callTimeout: '10s' })
  await rejectsWithin(2_000, () => commands.evaluate(echoScript, [], ['1']), /no connection within 2000 ms/)
  assert.equal(connecting(), before)
  for (const each of others) each.destroy()
  child.kill('SIGKILL')
})

test('while it is frozen nothing piles up: what is asked then is never carried out', async () => {
  const frozen = await RedisServer.start()
  await using commands = commandsFor({ port: frozen.port, callTimeout: '500ms' })
  const add = script("return redis.call('INCR', KEYS[1])")
  assert.equal(await commands.evaluate(add, ['n'], []), 1)
  frozen.freeze()
  await assert.rejects(commands.evaluate(add, ['n'], [])) // sent before anybody could know
  for (let round = 0; round < 2; round++) {
    await Promise.all(Array.from({ length: 50 }, () => assert.rejects(commands.evaluate(add, ['n'], []))))
  }
  frozen.resume()
  const count = await eventually(() => commands.evaluate(add, ['n'], []))
  assert.ok(count === 2 || count === 3, String(count))
  await frozen.kill()
})

test('a busy event loop is no silent server', async () => {
  await using commands = commandsFor({ port, callTimeout: '200ms' })
  await eventually(() => commands.evaluate(echoScript, [], ['1']))
  const calls = [1, 2, 3].map((call) => commands.evaluate(echoScript, [], [String(call)]))
  const until = performance.now() + 500
  while (performance.now() < until);
  assert.deepEqual(await Promise.all(calls), ['1', '2', '3'])
})

test('a long queue is no silent server: an answer that is late is ignored, the connection stays', async () => {
  await using commands = commandsFor({ port, callTimeout: '500ms' })
  const before = await commands.command('CLIENT', [], ['ID'])
  const [first, second] = await Promise.allSettled([
    commands.command('BLPOP', ['nothing'], ['0.3']),
    commands.command('BLPOP', ['nothing'], ['0.4']), // it starts when the first one has ended
  ])
  assert.deepEqual(first, { status: 'fulfilled', value: null })
  assert.equal(second.status, 'rejected')
  assert.equal(await commands.evaluate(echoScript, [], ['1']), '1')
  assert.equal(await commands.command('CLIENT', [], ['ID']), before)
})

test('a read-only replica fails with what to do; once it is a master it takes writes', async () => {
  const replica = await RedisServer.start()
  await replica.ask(`REPLICAOF 127.0.0.1 ${port}`)
  await using commands = commandsFor({ port: replica.port })
  await assert.rejects(
    commands.evaluate(setScript, ['k'], ['1']),
    backendError(/read-only replica: name its master/),
  )
  await replica.ask('REPLICAOF NO ONE')
  assert.equal(await eventually(() => commands.evaluate(setScript, ['k'], ['2'])), '2')
  await replica.kill()
})

test('a server without memory left fails with what to do, until it has some', async () => {
  const full = await RedisServer.start('--maxmemory', '1')
  await using commands = commandsFor({ port: full.port })
  await assert.rejects(
    commands.evaluate(setScript, ['k'], ['1']),
    backendError(/no memory left: raise its maxmemory/),
  )
  await full.ask('CONFIG SET maxmemory 0')
  assert.equal(await commands.evaluate(setScript, ['k'], ['2']), '2')
  await full.kill()
})

test('a server that is loading its data says so', async () => {
  const loading = await RedisServer.start(
    ...[
      '--dbfilename',
      'loading.rdb',
      '--key-load-delay',
      '10000',
      '--loading-process-events-interval-bytes',
      '1024',
    ],
  )
  await using commands = commandsFor({ port: loading.port })
  const value = 'x'.repeat(500)
  await commands.command(
    'MSET',
    [],
    Array.from({ length: 200 }, (_, index) => [`key:${index}`, value]).flat(),
  )
  await loading.ask('CONFIG SET rdbcompression no', 'SAVE')
  await loading.kill()
  const ready = loading.restart()
  for (let reply = ''; !reply.startsWith('-LOADING'); reply = await loading.ask('PING').catch(() => ''));
  await assert.rejects(
    eventually(async () => {
      await commands.evaluate(setScript, ['k'], ['1']).catch((error: SessionError) => {
        throw error.message.includes('LOADING') ? new RangeError(error.message) : error
      })
    }),
    /is still loading its data/,
  )
  await ready
  assert.equal(await eventually(() => commands.evaluate(setScript, ['k'], ['2'])), '2')
  await loading.kill()
})

test('a cluster that is down says so', async () => {
  const lonely = await RedisServer.start('--cluster-enabled', 'yes', '--cluster-config-file', 'lonely.conf')
  await using commands = commandsFor({ port: lonely.port })
  await assert.rejects(commands.evaluate(setScript, ['k'], ['1']), backendError(/in a cluster that is down/))
  await lonely.kill()
})

test('close waits for what is under way, and then calls fail', async () => {
  const commands = commandsFor({ port })
  const calls = [1, 2, 3].map((call) => commands.evaluate(echoScript, [], [String(call)]))
  await calls[0]
  await Promise.all([commands.close(), commands.close()])
  assert.deepEqual(await Promise.all(calls), ['1', '2', '3'])
  await assert.rejects(commands.evaluate(echoScript, [], ['1']), { code: 'ERR_CLOSED' })
  await commandsFor({ port }).close()
})

test('close does not wait longer than calls may take', async () => {
  const frozen = await RedisServer.start()
  const commands = commandsFor({ port: frozen.port, callTimeout: '500ms' })
  await commands.evaluate(echoScript, [], ['1'])
  frozen.freeze()
  const call = assert.rejects(commands.evaluate(echoScript, [], ['2']), backendError(/in time/))
  const startedAt = performance.now()
  await commands.close()
  assert.ok(performance.now() - startedAt < 5_000)
  await call
  await frozen.kill()
})
