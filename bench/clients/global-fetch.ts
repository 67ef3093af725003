import { headers, inFlight, type Subject } from '../subject.ts'

export const subject: Subject = ({ url }) => inFlight(async () => (await fetch(url, { headers })).json())
