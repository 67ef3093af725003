import { skewTolerance } from '../../algorithms/rule.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { LimitKey } from '../contract.ts'
import { type ArchiveHead, InstantPages } from './instant-pages.ts'
import type { LimitRow, LimitTable } from './limit-table.ts'
import { toBytes, toNumbers } from './page-table.ts'

/** A key’s state, as it was kept. */
export interface KeptState {
  readonly state: unknown
  readonly usedAt: Microseconds
  readonly packed: Uint8Array
  /** Where earlier instants of it are, log by log. */
  readonly archives: readonly InstantPages[]
  /** Whether it differs from what is kept, by other parameters or a clock that was set back. */
  readonly isChanged: boolean
}

/** What is known of a key at some instant. */
export interface KeptLimit {
  /** Undefined when there is no state, or another algorithm’s, which says nothing. */
  readonly kept: KeptState | undefined
  /** When its pause ends; an instant that is past when there is none. */
  readonly pausedUntil: Microseconds
  /** Whether that differs from what is kept, by a clock that was set back. */
  readonly isPauseChanged: boolean
}

/** Of an archive that holds nothing. */
const empty: ArchiveHead = [0, 0, 0, 0]
const headLength: ArchiveHead['length'] = 4

const unknown: KeptLimit = { kept: undefined, pausedUntil: 0, isPauseChanged: false }

/** What is known of a key under the limit’s rule, brought back to `now` where the clock was set back. */
export function findNow(limits: LimitTable, limit: LimitKey, now: Microseconds): KeptLimit {
  const row = limits.find(limit.key)
  if (row === undefined) return unknown
  const { paused_at: pausedAt, paused_until: pausedUntil } = row
  const isPauseChanged = pausedAt > now + skewTolerance
  return {
    kept: broughtBack(stateOf(limits, row, limit), limit, now),
    // By a clock that was set back it was asked for just now.
    pausedUntil: isPauseChanged ? now + (pausedUntil - pausedAt) : pausedUntil,
    isPauseChanged,
  }
}

/** A key’s state under the limit’s rule, as it was left. */
export function findState(limits: LimitTable, limit: LimitKey): KeptState | undefined {
  const row = limits.find(limit.key)
  return row === undefined ? undefined : stateOf(limits, row, limit)
}

/** Writes a key’s state. */
export function putState(
  limits: LimitTable,
  { key, rule, retention }: LimitKey,
  state: unknown,
  usedAt: Microseconds,
  archives: readonly InstantPages[] = [],
): void {
  const keepUntil = Math.max(usedAt + retention, rule.expiresAt(state))
  const packed = toBytes(rule.pack(state))
  const heads = toBytes(Float64Array.from(archives.flatMap((archive) => archive.save())))
  limits.put(key, { algorithm: rule.algorithm, state: packed, archives: heads, used_at: usedAt }, keepUntil)
}

/** Writes a state that may have changed; its key is not used by that. */
export function putIfChanged(limits: LimitTable, limit: LimitKey, kept: KeptState): void {
  const { state, usedAt, packed, archives } = kept
  const isSame = Buffer.compare(toBytes(limit.rule.pack(state)), packed) === 0
  if (!isSame || archives.some(({ isChanged }) => isChanged)) putState(limits, limit, state, usedAt, archives)
}

function stateOf(limits: LimitTable, row: LimitRow, { key, rule }: LimitKey): KeptState | undefined {
  const { algorithm, state: packed, used_at: usedAt } = row
  if (algorithm !== rule.algorithm) return undefined
  const heads = toNumbers(row.archives)
  const archives: InstantPages[] = []
  const open = (): InstantPages => {
    const log = archives.length
    const head = heads.length === 0 ? empty : heads.subarray(headLength * log, headLength * (log + 1))
    const archive = new InstantPages(limits.pages, key, log, head as Iterable<number> as ArchiveHead)
    archives.push(archive)
    return archive
  }
  const state = rule.unpack(toNumbers(packed), open)
  return { state, usedAt, packed, archives, isChanged: rule.adapt(state) }
}

function broughtBack(
  kept: KeptState | undefined,
  { rule }: LimitKey,
  now: Microseconds,
): KeptState | undefined {
  if (kept === undefined || kept.usedAt <= now + skewTolerance) return kept
  rule.clamp(kept.state, now)
  return { ...kept, usedAt: now, isChanged: true }
}
