import { createSyncFn } from 'synckit'
import { blocking, checkAnswer, type Subject } from '../subject.ts'

/** undici in a worker, as one writes it by hand with synckit. */
export const subject: Subject = ({ url }) => {
  const get = createSyncFn(new URL('synckit-worker.js', import.meta.url)) as (url: string) => string
  return blocking(() => checkAnswer(JSON.parse(get(url))))
}
