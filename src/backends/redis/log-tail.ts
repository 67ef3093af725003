import type { Readable } from 'node:stream'

const enough = 4_096 // characters

/** What every start prints, and advice about the machine. */
const ordinary =
  /^(Reading config from stdin|oO0O|(Redis|Valkey) version=|Configuration loaded|Server initialized|WARNING|\*\*\*|Reading the config|$)/

/** The end of what a server writes to its log, for error messages. */
export class LogTail {
  #text = ''
  /** Resolves when the server has said its last. */
  ended: Promise<unknown> = Promise.resolve()

  read(stream: Readable): void {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      this.#text = (this.#text + chunk).slice(-enough)
    })
    this.ended = new Promise((resolve) => stream.once('close', resolve))
  }

  /** The first lines that tell something, as one: without process id, date and level. */
  get text(): string {
    return this.#text
      .split('\n')
      .map((line) => line.replace(/^\d+:\S+ .*? [#*.-] /, '').trim())
      .filter((line) => !ordinary.test(line))
      .slice(0, 2)
      .join('; ')
  }
}
