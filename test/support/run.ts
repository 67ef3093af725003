import { spawn } from 'node:child_process'

/** What a program left behind. */
export interface Run {
  readonly stdout: string
  readonly stderr: string
  /** Exit status; null when a signal ended it. */
  readonly status: number | null
  /** Milliseconds from its last word on stdout to its end. */
  readonly lingered: number
}

/** Runs a program with this Node.js, not on a terminal. */
export function run(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Run> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  let lastWordAt = performance.now()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    lastWordAt = performance.now()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) =>
      resolve({ stdout, stderr, status, lingered: performance.now() - lastWordAt }),
    )
  })
}

/** Runs a program that uses the built package, of which no coverage is collected: that would take longer than most of them. */
export function runBuilt(args: readonly string[]): Promise<Run> {
  const { NODE_V8_COVERAGE: _, ...env } = process.env
  return run(args, env)
}
