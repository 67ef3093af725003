import { SyncSession } from '../../dist/index.js'
import { blocking, checkAnswer, headers, type Subject } from '../subject.ts'

export const subject: Subject = ({ url, options }) => {
  const session = new SyncSession({ headers, ...options })
  session.get(url)
  return blocking(() => {
    const response = session.get(url)
    if (!response.fromCache) throw new Error('not from the cache')
    checkAnswer(response.json())
  })
}
