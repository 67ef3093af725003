/** Loaded before everything else in each thread: a worker says how much memory what lives in it takes, when it is asked. */
import { BroadcastChannel, isMainThread } from 'node:worker_threads'
import { bytesInUse } from '../../test/backends/memory-heap.ts'
import { heapChannel } from './heap-channel.ts'

if (!isMainThread) {
  const channel = new BroadcastChannel(heapChannel).unref()
  channel.onmessage = ({ data }) => {
    if (data === 'ask') channel.postMessage(bytesInUse())
  }
}
