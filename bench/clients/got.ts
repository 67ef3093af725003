import { Agent } from 'node:http'
import got from 'got'
import { headers, inFlight, type Subject } from '../subject.ts'

export const subject: Subject = ({ url }) => {
  const client = got.extend({ headers, agent: { http: new Agent({ keepAlive: true }) }, retry: { limit: 0 } })
  return inFlight(() => client.get(url).json())
}
