import { Ratelimiter } from '../../dist/ratelimit/index.js'
import { oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = ({ options }) => {
  const limiter = new Ratelimiter(options)
  return oneByOne(() => limiter.acquire('api'))
}
