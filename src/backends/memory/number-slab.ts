/** The most numbers in one list. */
export const longestList = 23

const lengths = longestList + 1

/**
 * Many short lists of numbers in little room: lists of one length are the rows of a table, which is kept column by
 * column: 8 bytes a number, and none for a column in which neighbouring rows all say the same.
 */
export class NumberSlab {
  readonly #tables: (Table | undefined)[] = []

  /** Keeps a list of 1 to {@link longestList} numbers. @returns its place: a whole number */
  add(numbers: Float64Array): number {
    const { length } = numbers
    const table = (this.#tables[length] ??= new Table(numbers))
    return table.add(numbers) * lengths + length
  }

  /** A number of the list at `place`. */
  at(place: number, index: number): number {
    return this.#tableOf(place).at(rowOf(place), index)
  }

  /** A copy of the list at `place`, from `start` on. */
  slice(place: number, start: number): Float64Array<ArrayBuffer> {
    return this.#tableOf(place).slice(rowOf(place), start)
  }

  /** Forgets the list at `place`, which from now on may be that of another one. */
  remove(place: number): void {
    const table = this.#tableOf(place)
    table.remove(rowOf(place))
    if (table.isEmpty) this.#tables[place % lengths] = undefined
  }

  #tableOf(place: number): Table {
    return this.#tables[place % lengths] as Table
  }
}

function rowOf(place: number): number {
  return Math.floor(place / lengths)
}

/** Lists of one length, a row each. */
class Table {
  readonly #columns: readonly Column[]
  /** Rows that there are, free ones too. */
  #rows = 0
  readonly #free: number[] = []

  /** A table without rows, for lists that are likely to say much the same as this one. */
  constructor(example: Float64Array) {
    this.#columns = Array.from(example, (number) => new Column(number))
  }

  get isEmpty(): boolean {
    return this.#rows === this.#free.length
  }

  add(numbers: Float64Array): number {
    const row = this.#free.pop() ?? this.#rows++
    for (let index = 0; index < numbers.length; index++) {
      const column = this.#columns[index] as Column
      column.set(row, numbers[index] as number)
    }
    return row
  }

  at(row: number, index: number): number {
    return (this.#columns[index] as Column).at(row)
  }

  slice(row: number, start: number): Float64Array<ArrayBuffer> {
    const numbers = new Float64Array(this.#columns.length - start)
    for (let index = 0; index < numbers.length; index++) numbers[index] = this.at(row, start + index)
    return numbers
  }

  remove(row: number): void {
    this.#free.push(row)
  }
}

const blockShift = 9
const blockLength = 1 << blockShift

/**
 * A number of each row, in blocks of rows, so that growing moves nothing. There is no block where all have the
 * column’s usual number.
 */
class Column {
  readonly #usual: number
  readonly #blocks: (Float64Array | undefined)[] = []

  constructor(usual: number) {
    this.#usual = usual
  }

  at(row: number): number {
    const block = this.#blocks[row >>> blockShift]
    return block === undefined ? this.#usual : (block[row & (blockLength - 1)] as number)
  }

  set(row: number, number: number): void {
    const index = row >>> blockShift
    let block = this.#blocks[index]
    if (block === undefined) {
      if (Object.is(number, this.#usual)) return
      block = new Float64Array(blockLength).fill(this.#usual)
      this.#blocks[index] = block
    }
    block[row & (blockLength - 1)] = number
  }
}
