import { Agent, fetch } from 'undici'
import { headers, inFlight, type Subject } from '../subject.ts'

export const subject: Subject = ({ url }) => {
  const options = { dispatcher: new Agent(), headers }
  return inFlight(async () => (await fetch(url, options)).json())
}
