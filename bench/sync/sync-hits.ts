import { SyncSession } from '../../dist/index.js'
import { blocking, checkText, headers, inTurn, type Subject } from '../subject.ts'

export const subject: Subject = ({ url, options }) => {
  const session = new SyncSession({ headers, ...options })
  const { all, next } = inTurn(url)
  for (const each of all) session.get(each)
  return blocking(() => {
    const response = session.get(next())
    if (!response.fromCache) throw new Error('not from the cache')
    checkText(response.text())
  })
}
