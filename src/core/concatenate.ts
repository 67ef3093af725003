/** Pieces of content in memory of their own, unlike what `Buffer.concat` takes from a pool. @param size of all together */
export function concatenate(pieces: Iterable<Uint8Array>, size: number): Uint8Array {
  const content = new Uint8Array(size)
  let offset = 0
  for (const piece of pieces) {
    content.set(piece, offset)
    offset += piece.byteLength
  }
  return content
}
