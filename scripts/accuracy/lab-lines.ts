/** A line of the lab's table: a run. */
export interface LabLine {
  readonly cells: readonly string[]
  /** That reached the server. */
  readonly requests: number
  /** The least and the greatest that they asked for. */
  readonly ids: readonly number[]
  /** Milliseconds. */
  readonly theory: number
  readonly measured: number
  /** Requests that reached the server too early. */
  readonly tooMany: number
}

/** The runs of which the lab printed the table. */
export function labLines(table: string): LabLine[] {
  const lines = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  return lines.slice(1).map((line) => {
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    const [, , , requests, ids, theory, measured, , tooMany] = cells
    return {
      cells,
      requests: Number(requests),
      ids: (ids as string).split(' to ').map(Number),
      theory: Number.parseFloat(theory as string),
      measured: Number.parseFloat(measured as string),
      tooMany: Number(tooMany),
    }
  })
}

/** Whether a run took the time that theory gives it, within 5 % or 100 ms, and broke no limit. */
export function isAsTheorySays({ theory, measured, tooMany }: LabLine): boolean {
  return Math.abs(measured - theory) <= Math.max(theory / 20, 100) && tooMany === 0
}
