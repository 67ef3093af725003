/**
 * A batch against the httpbin whose URL is the first argument, for a test that runs it as a process. The second
 * says how it goes: `hang` (prints `ready` and waits for its requests), `forget` (ends without closing its
 * session).
 */
import { Session } from '../../../src/index.ts'

const [, , url = '', how = 'forget'] = process.argv
const session = new Session({
  baseUrl: url,
  cookies: true,
  cache: true,
  ratelimit: { limit: 5, window: '1h' },
})

if (how === 'hang') {
  const urls = ['/ip', '/uuid', '/delay/60', '/delay/60?again']
  const ready = (): void => void process.stdout.write('ready\n')
  await session.requests(urls, { callbacks: [ready], progress: true })
} else {
  const responses = await session.requests(['/ip', '/uuid', '/get'])
  await (await session.stream('/ip')).close()
  console.log(responses.map(({ status }) => status).join())
}
