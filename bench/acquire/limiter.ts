import { RateLimiter } from 'limiter'
import { oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = () => {
  const limiter = new RateLimiter({ tokensPerInterval: 1_000_000_000, interval: 'second' })
  return oneByOne(() => limiter.removeTokens(1))
}
