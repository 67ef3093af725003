import { type IRateLimiterOptions, RateLimiterMemory } from 'rate-limiter-flexible'
import { oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = ({ options }) => {
  const limiter = new RateLimiterMemory(options as unknown as IRateLimiterOptions)
  return oneByOne(() => limiter.consume('api'))
}
