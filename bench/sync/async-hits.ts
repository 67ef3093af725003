import { Session } from '../../dist/index.js'
import { checkAnswer, headers, oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = async ({ url, options }) => {
  const session = new Session({ headers, ...options })
  await session.get(url)
  return oneByOne(async () => {
    const response = await session.get(url)
    if (!response.fromCache) throw new Error('not from the cache')
    checkAnswer(response.json())
  })
}
