import { Session } from '../../dist/index.js'
import { headers, inFlight, type Subject } from '../subject.ts'

export const subject: Subject = ({ url, options }) => {
  const session = new Session({ headers, ...options })
  return inFlight(async () => (await session.get(url)).json())
}
