import { Session } from '../../../src/session/session.ts'

/** Asks for three contents, reads none of them, closes nothing, and has a minute for each. */
const { fetch } = new Session({ baseUrl: process.argv[2] as string, timeout: '1m', cache: true })
const responses = await Promise.all(['/uuid', '/bytes/20000', '/cache/60'].map((path) => fetch(path)))
console.log(String(responses.map(({ status }) => status)))
