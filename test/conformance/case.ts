/** One header field as it is written: `Name: value`. */
export type Line = string

/** What the server answers. Without a Date of its own an answer gets that of the test’s clock. */
export interface Answer {
  /** Default: 200. */
  readonly status?: number
  readonly lines: readonly Line[]
  /** Default: the number of the step. */
  readonly body?: string
  /** Answers 304, with the same lines, to a request that names its entity tag, or else its Last-Modified. */
  readonly validates?: true
  /** The connection is cut instead of an answer. */
  readonly dies?: true
  /** Seconds that it takes. */
  readonly takes?: number
  /** Interim responses that come first: the lines of each. */
  readonly interim?: readonly Line[]
  /** No Date at all. */
  readonly undated?: true
}

/** One request, and what becomes of it. */
export interface Step {
  /** Seconds that pass before it. */
  readonly after?: number
  /** Default: GET. */
  readonly method?: string
  /** A path beside that of the case: `/other`. */
  readonly path?: string
  readonly send?: readonly Line[]
  readonly cache?: 'default' | 'no-store' | 'reload' | 'no-cache' | 'force-cache' | 'only-if-cached'
  /** What the server would answer. Default: as in the step before. */
  readonly answer?: Answer
  /**
   * `asked`: the origin answered; `reused`: it was not asked; `validated`: it said 304 to our conditions; `failed`: no
   * response came; `behind`: the stored response came, and the origin was asked meanwhile; `either`: not the point.
   */
  readonly expect: 'asked' | 'reused' | 'validated' | 'failed' | 'behind' | 'either'
  /** Default: 200, or that of the answer when it was asked. */
  readonly status?: number
  /** The content; by default that of the response that it has to be. */
  readonly text?: string
  /** Fields of the response; null for absent. */
  readonly fields?: Readonly<Record<string, string | null>>
  /** Fields of the request as the origin saw it; null for absent. */
  readonly sent?: Readonly<Record<string, string | null>>
}

/** Requests in a row on one URL. */
export interface Case {
  /** The rule: `9111 4.2.1`. */
  readonly rule: string
  /** What a user may rely on. */
  readonly name: string
  readonly steps: readonly Step[]
}

type More = Partial<Omit<Step, 'expect' | 'answer'>>

/** An answer with these lines. */
export function answer(lines: readonly Line[], more: Partial<Answer> = {}): Answer {
  return { lines, ...more }
}

/** The origin answers. */
export function asked(given?: Answer | readonly Line[], more: More = {}): Step {
  return { expect: 'asked', ...toAnswer(given), ...more }
}

/** What is stored answers. */
export function reused(more: More = {}): Step {
  return { expect: 'reused', ...more }
}

/** The origin says that what is stored holds. */
export function validated(given?: Answer | readonly Line[], more: More = {}): Step {
  return { expect: 'validated', ...toAnswer(given, { validates: true }), ...more }
}

function toAnswer(given: Answer | readonly Line[] | undefined, more: Partial<Answer> = {}): Partial<Step> {
  if (given === undefined) return {}
  return { answer: 'lines' in given ? given : answer(given, more) }
}

/** The calendar when a case begins. */
export const startAt = Date.UTC(2026, 0, 1)

/** An HTTP date so many seconds after the case began. */
export function at(seconds: number): string {
  return new Date(startAt + seconds * 1_000).toUTCString()
}
