import { Agent, request } from 'undici'
import { checkAnswer, concurrency, headers, type Subject, urls } from '../subject.ts'

/** What one writes by hand: so many workers on one generator. */
export const subject: Subject = ({ url }) => {
  const options = { dispatcher: new Agent(), headers }
  return async (count) => {
    const source = urls(url, count)
    const work = async (): Promise<void> => {
      for (let next = source.next(); !next.done; next = source.next()) {
        const { body } = await request(next.value, options)
        checkAnswer(await body.json())
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work))
  }
}
