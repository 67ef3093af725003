/** Under what conditions the limit is measured. */
export interface Conditions {
  /** What docs/accuracy.md says of them, in half a sentence. */
  readonly text: string
  /** A duration, `'settle'`, or undefined for the session's own. */
  readonly margin?: string
  /** How long each piece of data travels to the server, and back: at least and at most, in milliseconds. */
  readonly network?: readonly [least: number, most: number]
  /** Whether the server speaks TLS. */
  readonly tls?: boolean
  /** How long the event loop of each client is blocked now and then, in milliseconds. */
  readonly stalls?: number
  /** Grants of a bare limiter instead of a session's requests, as the limiter itself stamps them. */
  readonly grants?: boolean
}

/** Every set of conditions, by the name that `--conditions` takes. */
export const conditions = {
  loopback: { text: 'A server on the same machine, and the margin that a session has by itself.' },
  grants: {
    text: 'What a bare `Ratelimiter` grants, by its own clock, with no server at all and a margin of nothing.',
    margin: '0ms',
    grants: true,
  },
  network: {
    text: 'Each piece of data takes 5 ms and up to 45 more, at random, each way; the default margin.',
    network: [5, 50],
  },
  far: {
    text: "Each piece of data takes 5 ms and up to 195 more, at random, each way; `margin: 'settle'`.",
    network: [5, 200],
    margin: 'settle',
  },
  stalls: {
    text: 'TLS, 5 ms and up to 45 more each way, and clients whose event loop is blocked for 300 ms about once a second; the default margin.',
    network: [5, 50],
    tls: true,
    stalls: 300,
  },
} as const satisfies Record<string, Conditions>

/** The name of a set of conditions. */
export type ConditionsName = keyof typeof conditions
