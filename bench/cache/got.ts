import { Agent } from 'node:http'
import got from 'got'
import { headers, type Subject } from '../subject.ts'
import { roundsOf } from './caching-client.ts'

export const subject: Subject = (setup) => {
  const agent = { http: new Agent({ keepAlive: true }) }
  const client = got.extend({ headers, agent, retry: { limit: 0 }, cache: new Map() })
  return roundsOf({ text: (url) => client.get(url).text(), bytes: (url) => client.get(url).buffer() }, setup)
}
