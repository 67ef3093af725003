/**
 * Tells where requests end in the bytes of a connection, so that a server that does not want to be one
 * still knows when to misbehave.
 */
export class RequestCounter {
  #rest = Buffer.alloc(0)

  /** Takes bytes; gives the number of requests that they complete. */
  push(chunk: Buffer): number {
    this.#rest = Buffer.concat([this.#rest, chunk])
    let count = 0
    for (let end = requestEnd(this.#rest); end !== -1; end = requestEnd(this.#rest)) {
      this.#rest = this.#rest.subarray(end)
      count++
    }
    return count
  }
}

/** Where the first request of these bytes ends; -1 when it has not ended. */
function requestEnd(bytes: Buffer): number {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return -1
  const bodyStart = headEnd + 4
  const head = bytes.toString('latin1', 0, bodyStart)
  if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(head)) {
    // The last chunk; content that holds these very bytes is not for this server.
    const last = bytes.indexOf('\r\n0\r\n\r\n', headEnd + 2)
    return last === -1 ? -1 : last + 7
  }
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  return bytes.length >= bodyStart + length ? bodyStart + length : -1
}
