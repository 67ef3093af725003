import { SyncSession } from '../../dist/index.js'
import { blocking, checkAnswer, headers, type Subject } from '../subject.ts'

export const subject: Subject = ({ url, options }) => {
  const session = new SyncSession({ headers, ...options })
  return blocking(() => checkAnswer(session.get(url).json()))
}
