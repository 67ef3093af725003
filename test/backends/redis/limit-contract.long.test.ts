import { after } from 'node:test'
import { RedisLimitStore } from '../../../src/backends/redis/redis-limit-store.ts'
import { testLimitStore } from '../../../src/testing/index.ts'
import { closeServer, connectAfresh } from './limit-support.ts'

after(closeServer)

// There are many more histories in limit-traces.long.test.ts, where they do not wait for one another.
testLimitStore(
  'Redis',
  async (clock) => {
    const commands = await connectAfresh()
    return { store: new RedisLimitStore({ commands, clock }), close: () => commands.close() }
  },
  { traces: 40 },
)
