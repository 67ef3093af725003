import type { LimitKey } from '../contract.ts'
import { keepsake } from '../keepsakes.ts'
import { escape } from './key-names.ts'

/** The form of what the scripts keep. It is a part of the keys, so that versions that differ in it share none: to be raised with every change. */
const format = 2

/**
 * The Redis keys of a limit: its pause, the state of each kernel that it is made of, and the list of each that has one.
 * The name is their hash tag (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags), so
 * all are in one slot.
 */
export function keysOf({ prefix, name, rule }: LimitKey): string[] {
  const state = `${startOf(prefix)}{${escape(name)}}:ratelimit:${format}:${rule.algorithm}`
  const { kernels } = rule
  const states = kernels.map((_, index) => (kernels.length === 1 ? state : `${state}:${index}`))
  const lists = states.filter((_, index) => kernels[index]?.kernel === 'slidingwindow')
  return [`${state}:pause`, ...states, ...lists.map((key) => `${key}:units`)]
}

/** What all keys of a prefix start with. */
export function startOf(prefix: string): string {
  return `${escape(prefix)}:`
}

/** Whether a key is one of a limit’s that `clear` forgets, in whatever form; others may have some that start alike. */
export function isClearable(key: string): boolean {
  return clearablePattern.test(key)
}

const clearablePattern = new RegExp(
  `^[^:{}]*:\\{(?!${keepsake})[^{}]+\\}:ratelimit:\\d+:[a-z+]+(?::\\d+)?(?::pause|:units)?$`,
)
