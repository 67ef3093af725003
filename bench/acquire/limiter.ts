import { RateLimiter, type RateLimiterOpts } from 'limiter'
import { oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = ({ options }) => {
  const limiter = new RateLimiter(options as unknown as RateLimiterOpts)
  return oneByOne(() => limiter.removeTokens(1))
}
