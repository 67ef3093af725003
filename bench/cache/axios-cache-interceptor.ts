import { Agent } from 'node:http'
import { create } from 'axios'
import { setupCache } from 'axios-cache-interceptor'
import { headers, type Subject } from '../subject.ts'
import { roundsOf } from './caching-client.ts'

export const subject: Subject = (setup) => {
  const client = setupCache(create({ headers, httpAgent: new Agent({ keepAlive: true }), proxy: false }))
  return roundsOf(
    {
      text: async (url) =>
        (await client.get<string>(url, { responseType: 'text', transformResponse: [] })).data,
      bytes: async (url) => (await client.get<Buffer>(url, { responseType: 'arraybuffer' })).data,
    },
    setup,
  )
}
