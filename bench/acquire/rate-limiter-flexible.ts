import { RateLimiterMemory } from 'rate-limiter-flexible'
import { oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = () => {
  const limiter = new RateLimiterMemory({ points: 1_000_000_000, duration: 1 })
  return oneByOne(() => limiter.consume('api'))
}
