/** Where threads ask each other. */
export const heapChannel = 'live bytes'

/** Bytes that what lives in this thread takes, in the heap and beside it. Needs --expose-gc. */
export function liveBytes(): number {
  for (let time = 0; time < 3; time++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
