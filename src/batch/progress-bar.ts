import type { Microseconds } from '../core/duration.ts'

/** What a bar shows. */
export interface ProgressState {
  /** Stands in front, '' for nothing. */
  readonly label: string
  readonly done: number
  /** How many of them have no response. */
  readonly failed: number
  readonly total: number | undefined
  readonly elapsed: Microseconds
  /** Milliseconds until the limiter grants the next request; 0 when nothing waits for it. */
  readonly waiting: number
  readonly phase: 'running' | 'complete' | 'stopped'
}

/** Most cells of a bar, and the fewest that are worth drawing. */
const widestBar = 40
const narrowestBar = 8
/** Cells of the block that runs to and fro when the total is not known, and cells that it moves a second. */
const blockWidth = 8
const blockSpeed = 20
/** Shorter waits are the limiter’s daily business. */
const leastWaitShown = 1_000

/**
 * The bar as one line, never wider than `width`: the bar shrinks first, then details go, the last first.
 * @param colour whether escape sequences for colour may be used
 */
export function formatBar(state: ProgressState, width: number, colour: boolean): string {
  const label = state.label === '' ? '' : `${state.label} `
  const details = formatDetails(state)
  for (let shown = details.length; shown > 0; shown--) {
    const text = details.slice(0, shown).join(' ')
    const room = width - label.length - text.length - '|| '.length
    if (room >= narrowestBar) {
      const cells = formatCells(state, Math.min(room, widestBar))
      return `${label}|${paint(cells, state, colour)}| ${text}`
    }
  }
  return (details[0] as string).slice(0, Math.max(width, 0))
}

/** The same without the bar, for logs. */
export function formatText(state: ProgressState): string {
  const details = formatDetails(state).join(' ')
  return state.label === '' ? details : `${state.label} ${details}`
}

/** Count, time, rate and the rest; the most important first. */
function formatDetails(state: ProgressState): string[] {
  const { done, failed, total, elapsed, waiting, phase } = state
  const seconds = elapsed / 1_000_000
  const rate = seconds === 0 ? 0 : done / seconds
  const percent = total === 0 ? 100 : Math.floor((done / (total ?? 1)) * 100)
  const details = [total === undefined ? `${done}` : `${done}/${total} [${percent}%]`]
  if (failed > 0) details.push(`${failed} failed`)
  details.push(`in ${formatSeconds(seconds)}`)
  const left = total === undefined || phase !== 'running' || rate === 0 ? undefined : (total - done) / rate
  const eta = left === undefined || left < 0 ? '' : `, eta ${formatSeconds(left)}`
  details.push(`(${rate.toFixed(2)}/s${eta})`)
  if (phase === 'running' && waiting >= leastWaitShown) {
    details.push(`waiting ${formatSeconds(waiting / 1_000)} for the limit`)
  }
  return details
}

function formatCells(state: ProgressState, cells: number): string {
  const { done, total, elapsed, phase } = state
  if (phase === 'complete') return '█'.repeat(cells)
  if (total !== undefined) {
    const filled = total === 0 ? cells : Math.min(Math.floor((done / total) * cells), cells)
    return '█'.repeat(filled) + ' '.repeat(cells - filled)
  }
  if (phase === 'stopped') return ' '.repeat(cells)
  const block = Math.min(blockWidth, cells)
  const span = cells - block
  const moved = Math.floor((elapsed / 1_000_000) * blockSpeed) % Math.max(2 * span, 1)
  const before = moved <= span ? moved : 2 * span - moved
  return ' '.repeat(before) + '█'.repeat(block) + ' '.repeat(span - before)
}

/** Green for a whole success, yellow where something failed or stopped; none while running. */
function paint(cells: string, state: ProgressState, colour: boolean): string {
  if (!colour || state.phase === 'running') return cells
  const code = state.phase === 'complete' && state.failed === 0 ? 32 : 33
  return `\u001B[${code}m${cells}\u001B[39m`
}

/** `0.6s`, `59.9s`, `1:05`, `2:03:04`. */
function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  const pad = (value: number): string => String(value).padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}:${pad(whole % 60)}`
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`
}
