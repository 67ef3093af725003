import { runAsWorker } from 'synckit'
import { Agent, request } from 'undici'

const options = {
  dispatcher: new Agent(),
  headers: { 'user-agent': 'http-sessions-bench', accept: 'application/json' },
}

runAsWorker(async (url) => (await request(url, options)).body.text())
