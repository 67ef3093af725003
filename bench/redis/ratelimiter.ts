import { Ratelimiter } from '../../dist/ratelimit/index.js'
import { severalAtATime, type Subject } from '../subject.ts'

export const subject: Subject = ({ url, atATime, options }) => {
  const limiter = new Ratelimiter({ backend: 'redis', url, ...options })
  return severalAtATime(atATime, () => limiter.acquire('api'))
}
