import { Session } from '../../dist/index.js'
import { checkAnswer, concurrency, headers, type Subject, urls } from '../subject.ts'

export const subject: Subject = ({ url, options }) => {
  const session = new Session({ headers, ...options })
  return async (count) => {
    for await (const response of session.requests(urls(url, count), { concurrency, progress: false })) {
      checkAnswer(response.json())
    }
  }
}
