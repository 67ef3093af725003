import fetch from 'sync-fetch'
import { blocking, checkAnswer, headers, type Subject } from '../subject.ts'

export const subject: Subject = ({ url }) => blocking(() => checkAnswer(fetch(url, { headers }).json()))
