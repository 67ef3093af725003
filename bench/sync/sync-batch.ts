import { SyncSession } from '../../dist/index.js'
import { checkAnswer, concurrency, headers, type Subject, urls } from '../subject.ts'

export const subject: Subject = ({ url }) => {
  const session = new SyncSession({ headers })
  return async (count) => {
    const responses = session.requests(urls(url, count), { concurrency, progress: false })
    for (const response of responses) checkAnswer(response.json())
  }
}
