import { fstatSync, openSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { word } from './protocol.ts'

/*
 * A thread that is blocked gets no events, so nobody tells it that its worker has ended. But however a worker ends,
 * its files are closed, at once; and that can be seen. The worker opens a file that nobody else has, so that
 * the number cannot be mistaken when it is used again. Where it cannot write one, it opens its own program: that has an
 * end as visible, unless the lifeline of another worker is given the same number while a thread waits for this one.
 */

/**
 * In the worker: opens the lifeline, and says so.
 * @param program a file that can be read
 */
export function openLifeline(words: Int32Array, program: string): void {
  const descriptor = openFileOfItsOwn() ?? openSync(program, 'r')
  const inode = inodeOf(descriptor) as bigint
  Atomics.store(words, word.inodeLow, Number(BigInt.asIntN(32, inode)))
  Atomics.store(words, word.inodeHigh, Number(BigInt.asIntN(32, inode >> 32n)))
  Atomics.store(words, word.lifeline, descriptor + 1)
}

/** In the calling thread: whether the worker is up. False before and after. */
export function isLifelineOpen(words: Int32Array): boolean {
  const descriptor = Atomics.load(words, word.lifeline) - 1
  if (descriptor < 0) return false
  const inode = inodeOf(descriptor)
  if (inode === undefined) return false
  const low = BigInt.asUintN(32, BigInt(Atomics.load(words, word.inodeLow)))
  const high = BigInt.asUintN(32, BigInt(Atomics.load(words, word.inodeHigh)))
  return BigInt.asUintN(64, inode) === ((high << 32n) | low)
}

/** Undefined where files cannot be written: the folder is missing, read-only or full, or Node.js does not allow it. */
function openFileOfItsOwn(): number | undefined {
  const path = join(tmpdir(), `http-sessions-${process.pid}-${threadId}-${process.hrtime.bigint()}`)
  try {
    const descriptor = openSync(path, 'wx', 0o600)
    unlinkSync(path)
    return descriptor
  } catch {
    return undefined // there is another way
  }
}

function inodeOf(descriptor: number): bigint | undefined {
  try {
    return fstatSync(descriptor, { bigint: true }).ino
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') return undefined
    throw error
  }
}
