import { createHash } from 'node:crypto'
import type { KernelName } from '../../../algorithms/rule.ts'
import type { Script } from '../commands.ts'
import { fixedWindow } from './fixed-window.ts'
import { fixedWindowShortcut, readLength as fixedWindowLength } from './fixed-window-shortcut.ts'
import { gcra, gcraShortcut, readLength as gcraLength } from './gcra.ts'
import { instantLog } from './instant-log.ts'
import { operations } from './operations.ts'
import { slidingWindow, slidingWindowShortcut } from './sliding-window.ts'
import { windowCounts } from './window-counts.ts'

/** The Lua text of a kernel, and what it stands on. */
interface Kernel {
  readonly sources: readonly string[]
  /** The table whose function `new` makes one of a key, what is stored there, its numbers, and the key of its list. */
  readonly type: string
  /** How many numbers it takes. */
  readonly numbers: number
  /** Whether it keeps a list too, at a key of its own. */
  readonly hasList: boolean
  /** What answers the commonest call by itself, or leaves it to the rest: no function is made for it. */
  readonly shortcut: string
  /** How many bytes of the state the shortcut looks at; all of them by default. */
  readonly readLength?: number
}

const kernels: Readonly<Record<KernelName, Kernel>> = {
  slidingwindow: {
    sources: [instantLog, slidingWindow],
    type: 'sliding_window',
    numbers: 3,
    hasList: true,
    shortcut: slidingWindowShortcut,
  },
  fixedwindow: {
    sources: [instantLog, windowCounts, fixedWindow],
    type: 'fixed_window',
    numbers: 4,
    hasList: false,
    shortcut: fixedWindowShortcut,
    readLength: fixedWindowLength,
  },
  gcra: {
    sources: [gcra],
    type: 'gcra',
    numbers: 5,
    hasList: false,
    shortcut: gcraShortcut,
    readLength: gcraLength,
  },
}

/** How long the terms of one kernel are at most: six whole numbers, and what stands between them. */
export const termsLength = 96

const scripts = new Map<string, Script>()

/** The script for limits made of these kernels, in their order. It defines no function that they do not need. */
export function limitScript(names: readonly KernelName[]): Script {
  const id = names.join('+')
  let script = scripts.get(id)
  if (script === undefined) {
    const source = sourceOf(names)
    script = { source, sha1: createHash('sha1').update(source).digest('hex') }
    scripts.set(id, script)
  }
  return script
}

/**
 * The commonest call on a limit with one kernel, which is units one by one, now or not at all, may come in a form of its own.
 * ARGV then: the terms; how many units, unless it is one; and now, unless the server is to be asked. The terms are the
 * retention and the numbers of the kernel, in a text of fixed length: a state that begins with the same has them as numbers
 * too, which costs less than to send and read each of them. The reply, when all are granted without further ado, is one
 * line, which costs less than an array: the seconds and microseconds of now, and what the kernel notes of the first grant.
 * Each command costs about a microsecond, and so does a number that is made into a text, or a kilobyte of state. So the
 * clock and the beginning of the state are read, and a few numbers of it written over, or units appended; from these the full script
 * tells what else has changed. While the state lives long enough, its TTL is left alone.
 */
function shortcut(names: readonly KernelName[]): string {
  const [name] = names
  if (name === undefined || names.length > 1) return ''
  const { shortcut: grant, readLength } = kernels[name]
  const read =
    readLength === undefined ? "call('GET', KEYS[2])" : `call('GETRANGE', KEYS[2], '0', '${readLength - 1}')`
  return `
local units = 1
if ARGV[2] then units = tonumber(ARGV[2]) end
if units then
  local call, seconds, microseconds = redis.call, '0', ARGV[3]
  if not microseconds then
    local time = call('TIME')
    seconds, microseconds = time[1], time[2]
  end
  local now = seconds * 1000000 + microseconds
  local state = ${read}
  if state and state ~= '' then
    ${grant}
  end
end
`
}

/** Of one kernel come the terms, too, and then perhaps only how many units, and now. */
function argumentsOf(names: readonly KernelName[]): string {
  if (names.length > 1) return `local json, terms = ARGV[1], string.rep(' ', ${termsLength})`
  return `local terms, json = ARGV[1], ARGV[2] or '1'
if tonumber(json) then json = '[' .. (ARGV[3] or 'false') .. ',' .. terms .. ',"reserve",0,0,1,' .. json .. ',1]' end`
}

const start = `
local call, min, max, floor, ceil = redis.call, math.min, math.max, math.floor, math.ceil
local arguments = cjson.decode(json)
local now, retention = arguments[1], arguments[2]
if not now then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end
local stored = call('MGET', unpack(KEYS))
local pause = stored[1]
`

function sourceOf(names: readonly KernelName[]): string {
  const sources = new Set(names.flatMap((name) => kernels[name].sources))
  let [place, listKey] = [3, names.length + 2]
  const made = names.map((name, index) => {
    const { type, numbers, hasList } = kernels[name]
    const parameters = Array.from({ length: numbers }, () => `arguments[${place++}]`)
    if (hasList) parameters.push(`KEYS[${listKey++}]`)
    return `${type}.new(KEYS[${index + 2}], stored[${index + 2}], ${parameters.join(', ')})`
  })
  const local = `local kernels = { ${made.join(', ')} }\nlocal place = ${place}\n`
  return [shortcut(names), argumentsOf(names), start, ...sources, local, operations].join('').trim()
}
