import { Session } from '../../dist/index.js'
import { checkAnswer, concurrency, headers, type Subject, urls } from '../subject.ts'

export const subject: Subject = ({ url }) => {
  const session = new Session({ headers })
  return async (count) => {
    const responses = await session.requests(urls(url, count), { concurrency, progress: false })
    for (const response of responses) checkAnswer(response.json())
  }
}
