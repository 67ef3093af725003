import { Session } from '../../dist/index.js'
import { checkAnswer, headers, oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = ({ url, options }) => {
  const session = new Session({ headers, ...options })
  return oneByOne(async () => checkAnswer((await session.get(url)).json()))
}
