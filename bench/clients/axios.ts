import { Agent } from 'node:http'
import { create } from 'axios'
import { headers, inFlight, type Subject } from '../subject.ts'

export const subject: Subject = ({ url }) => {
  const client = create({ headers, httpAgent: new Agent({ keepAlive: true }), proxy: false })
  return inFlight(async () => (await client.get<unknown>(url)).data)
}
