import { Session } from '../../dist/index.js'
import { headers, type Subject } from '../subject.ts'
import { roundsOf } from './caching-client.ts'

export const subject: Subject = (setup) => {
  const session = new Session({ headers, cache: setup.options['cache'] as object })
  return roundsOf(
    {
      text: async (url) => (await session.get(url)).text(),
      bytes: async (url) => (await session.get(url)).bytes(),
    },
    setup,
  )
}
