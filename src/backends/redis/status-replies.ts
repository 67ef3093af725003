import { connect } from 'node:net'

/**
 * Sends commands whose replies are single lines, such as PING, over a connection of their own.
 * @param patience how long the server may be silent, in milliseconds
 * @returns one line per command, `+PONG` or `-ERR …`; fewer when the server closes the connection before
 * @throws the socket’s error, or an Error when the server is silent for too long
 */
export function askServer(
  socketPath: string,
  commands: readonly (readonly string[])[],
  patience = 2_000,
): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>()
  const socket = connect(socketPath)
  let text = ''
  const finish = (): void => {
    socket.destroy()
    resolve(text.split('\r\n').slice(0, -1))
  }
  socket.setEncoding('utf8').setTimeout(patience)
  socket.on('data', (chunk: string) => {
    text += chunk
    if (text.split('\r\n').length > commands.length) finish()
  })
  socket.on('timeout', () => socket.destroy(new Error(`no answer within ${patience} ms`)))
  socket.on('error', reject)
  socket.on('end', finish)
  socket.write(commands.map(toRequest).join(''))
  return promise
}

/** The RESP form: an array of bulk strings. */
function toRequest(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}
