import { Session } from '../../dist/index.js'
import { checkText, headers, inTurn, oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = async ({ url, options }) => {
  const session = new Session({ headers, ...options })
  const { all, next } = inTurn(url)
  for (const each of all) await session.get(each)
  return oneByOne(async () => {
    const response = await session.get(next())
    if (!response.fromCache) throw new Error('not from the cache')
    checkText(response.text())
  })
}
