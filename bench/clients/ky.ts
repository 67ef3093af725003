import ky from 'ky'
import { headers, inFlight, type Subject } from '../subject.ts'

export const subject: Subject = ({ url }) => {
  const client = ky.create({ headers, retry: 0, timeout: false })
  return inFlight(() => client.get(url).json())
}
