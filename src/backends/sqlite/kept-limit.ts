import { skewTolerance } from '../../algorithms/rule.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { LimitKey } from '../contract.ts'
import type { LimitRow, LimitTable } from './limit-table.ts'

/** A key’s state, as it was kept. */
export interface KeptState {
  readonly state: unknown
  readonly usedAt: Microseconds
  readonly packed: Uint8Array
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

const unknown: KeptLimit = { kept: undefined, pausedUntil: 0, isPauseChanged: false }

/** What is known of a key under the limit’s rule, brought back to `now` where the clock was set back. */
export function findNow(limits: LimitTable, limit: LimitKey, now: Microseconds): KeptLimit {
  const row = limits.find(limit.key)
  if (row === undefined) return unknown
  const { paused_at: pausedAt, paused_until: pausedUntil } = row
  const isPauseChanged = pausedAt > now + skewTolerance
  return {
    kept: broughtBack(stateOf(row, limit), limit, now),
    // By a clock that was set back it was asked for just now.
    pausedUntil: isPauseChanged ? now + (pausedUntil - pausedAt) : pausedUntil,
    isPauseChanged,
  }
}

/** A key’s state under the limit’s rule, as it was left. */
export function findState(limits: LimitTable, limit: LimitKey): KeptState | undefined {
  const row = limits.find(limit.key)
  return row === undefined ? undefined : stateOf(row, limit)
}

/** Writes a key’s state. */
export function putState(
  limits: LimitTable,
  { key, rule, retention }: LimitKey,
  state: unknown,
  usedAt: Microseconds,
): void {
  const keepUntil = Math.max(usedAt + retention, rule.expiresAt(state))
  const packed = new Uint8Array(rule.pack(state).buffer)
  limits.put(key, { algorithm: rule.algorithm, state: packed, used_at: usedAt }, keepUntil)
}

/** Writes a state that may have changed; its key is not used by that. */
export function putIfChanged(limits: LimitTable, limit: LimitKey, kept: KeptState): void {
  const packed = new Uint8Array(limit.rule.pack(kept.state).buffer)
  if (Buffer.compare(packed, kept.packed) !== 0) putState(limits, limit, kept.state, kept.usedAt)
}

function stateOf({ algorithm, state: packed, used_at }: LimitRow, { rule }: LimitKey): KeptState | undefined {
  if (algorithm !== rule.algorithm) return undefined
  const state = rule.unpack(new Float64Array(packed.buffer, packed.byteOffset, packed.byteLength / 8))
  return { state, usedAt: used_at, packed, isChanged: rule.adapt(state) }
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
