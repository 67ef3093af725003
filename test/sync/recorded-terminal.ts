import { Writable } from 'node:stream'

/** A terminal that keeps all that is written to it, as it comes. */
export class RecordedTerminal extends Writable {
  readonly isTTY = true
  readonly columns = 80
  text = ''

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
