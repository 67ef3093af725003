import { ofetch } from 'ofetch'
import { headers, inFlight, type Subject } from '../subject.ts'

export const subject: Subject = ({ url }) => {
  const client = ofetch.create({ headers, retry: false })
  return inFlight(() => client(url))
}
