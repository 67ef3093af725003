import { Agent, interceptors, request } from 'undici'
import { checkAnswer, headers, oneByOne, type Subject } from '../subject.ts'

export const subject: Subject = ({ url, options }) => {
  const dispatcher = new Agent().compose(interceptors.cache(options))
  return oneByOne(async () => {
    const { body } = await request(url, { dispatcher, headers })
    checkAnswer(await body.json())
  })
}
