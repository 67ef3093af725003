import { registerHooks } from 'node:module'

/*
 * Uses Redis and forgets to close it. Arguments: the options as JSON, and what happens before the end: `used`,
 * `lost` (it waits until its standard input ends, and the server is killed meanwhile), or `uninstalled` (the package
 * @redis/client cannot be found).
 */
const [options, how] = process.argv.slice(2) as [string, 'used' | 'lost' | 'uninstalled']

if (how === 'uninstalled') {
  registerHooks({
    resolve(specifier, context, next) {
      return next(specifier === '@redis/client' ? '@redis/not-installed' : specifier, context)
    },
  })
}

const { Ratelimiter } = await import('../../../../src/ratelimit/index.ts')
const limiter = new Ratelimiter({
  backend: 'redis',
  limit: 2,
  onBackendError: 'throw',
  ...JSON.parse(options),
})
const acquire = async (): Promise<string> => {
  try {
    await limiter.acquire('key')
    return 'granted'
  } catch (error) {
    return (error as Error).message
  }
}
console.log(await acquire())
if (how === 'lost') {
  for await (const _ of process.stdin);
  console.log(await acquire())
}
