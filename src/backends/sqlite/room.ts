/*
 * The room that something takes in a file of pages of 4 KiB, which is what counts for whoever limits it
 * (sqlite.org/fileformat2.html, 1.6: B-tree pages).
 */
const pageSize = 4_096
/** What a leaf page has for its cells. */
const leafRoom = pageSize - 8
/** Bytes of a row that a leaf page takes at most; the rest of a longer one is on pages of its own. */
const mostOnLeaf = pageSize - 35
const leastOnLeaf = Math.floor(((pageSize - 12) * 32) / 255) - 23
const overflowRoom = pageSize - 4
/** A row’s own head, its key, and its place on the page. */
const rowHead = 14

/** A row of an index, beside its texts: numbers, heads, and what stays free on pages that are filled at random. */
const rowOfIndexes = 240

/** Of a piece of an entry, with its row. */
export function roomOfPiece(bytes: number): number {
  const row = bytes + rowHead
  if (row <= mostOnLeaf) return shareOfLeaf(row)
  const rest = leastOnLeaf + ((row - leastOnLeaf) % overflowRoom)
  const onLeaf = rest <= mostOnLeaf ? rest : leastOnLeaf
  return Math.ceil((row - onLeaf) / overflowRoom) * pageSize + shareOfLeaf(onLeaf)
}

/** Of an entry’s row in the list of entries and its two indexes. @param bytes of its key and variant */
export function roomOfListing(bytes: number): number {
  return rowOfIndexes + 3 * bytes
}

/** Rows of one size fill a page as far as whole ones fit. */
function shareOfLeaf(row: number): number {
  return Math.floor(pageSize / Math.max(Math.floor(leafRoom / row), 1))
}
