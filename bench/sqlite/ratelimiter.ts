import { setImmediate } from 'node:timers/promises'
import { Ratelimiter } from '../../dist/ratelimit/index.js'
import { severalAtATime, type Subject } from '../subject.ts'

export const subject: Subject = ({ url, atATime, options }) => {
  const limiter = new Ratelimiter({ backend: 'sqlite', db: url, ...options })
  return severalAtATime(atATime, async () => {
    await limiter.acquire('api')
    // As whoever does something with what was granted: who asks at once again keeps the event loop to itself
    await setImmediate()
  })
}
