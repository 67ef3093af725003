import { test } from 'node:test'
import { checkPolicy } from './header-fuzz.ts'

test('no headers make the policy throw, keep what says no-store, or give an age below zero', () => {
  checkPolicy(8_000, 20_260_130)
})
