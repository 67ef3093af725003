import { Ratelimiter, type RatelimiterOptions } from '../../dist/ratelimit/index.js'
import { oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = ({ options }) => {
  const limiter = new Ratelimiter(options as RatelimiterOptions)
  return oneByOne(() => limiter.acquire('api'))
}
