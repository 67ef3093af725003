import { createHash } from 'node:crypto'
import type { KernelName } from '../../../algorithms/rule.ts'
import type { Script } from '../commands.ts'
import { fixedWindow } from './fixed-window.ts'
import { gcra } from './gcra.ts'
import { instantLog } from './instant-log.ts'
import { operations } from './operations.ts'
import { slidingWindow } from './sliding-window.ts'
import { windowCounts } from './window-counts.ts'

/** The Lua text of a kernel, and what it stands on. */
interface Kernel {
  readonly sources: readonly string[]
  /** The table whose function `new` makes one of a key, what is stored there, and its numbers. */
  readonly type: string
  /** How many numbers it takes. */
  readonly numbers: number
}

const kernels: Readonly<Record<KernelName, Kernel>> = {
  slidingwindow: { sources: [instantLog, slidingWindow], type: 'sliding_window', numbers: 3 },
  fixedwindow: { sources: [instantLog, windowCounts, fixedWindow], type: 'fixed_window', numbers: 4 },
  gcra: { sources: [gcra], type: 'gcra', numbers: 5 },
}

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

/** Lists are not among what MGET finds: their kernel reads its own. */
const start = `
local call, min, max, floor, ceil = redis.call, math.min, math.max, math.floor, math.ceil
local arguments = cjson.decode(ARGV[1])
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
  let place = 3
  const made = names.map((name, index) => {
    const { type, numbers } = kernels[name]
    const parameters = Array.from({ length: numbers }, () => `arguments[${place++}]`)
    return `${type}.new(KEYS[${index + 2}], stored[${index + 2}], ${parameters.join(', ')})`
  })
  const local = `local kernels = { ${made.join(', ')} }\nlocal place = ${place}\n`
  return [start, ...sources, local, operations].join('').trim()
}
