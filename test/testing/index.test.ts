import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as testing from '../../src/testing/index.ts'

test('http-sessions/testing exports its helpers', () => {
  assert.deepEqual(Object.keys(testing).sort(), [
    'ManualClock',
    'Random',
    'Urls',
    'brokenServer',
    'expectedTime',
    'extractArgs',
    'gcraRejections',
    'httpbin',
    'makeTest',
    'misbehaviours',
    'rateLimitViolations',
    'spawnHttpbin',
    'testCacheStore',
    'testLimitStore',
    'timed',
    'timer',
    'worstFixedWindow',
    'worstRestartedWindow',
    'worstWindow',
  ])
})
