import { describe } from '../core/duration.ts'

/** What to write instead, by the last part of the option's name. */
const instead: Readonly<Record<string, string>> = {
  conn: 'the session works in a thread of its own; give it db: a path, or url: or host:, to connect by itself',
  backend:
    "the session works in a thread of its own; name the backend, as in backend: 'sqlite', and let sessions share a worker, new SyncSession({ worker: other })",
  cookies: "a jar cannot be in two threads; write cookies: true, or { file: 'cookies.json' }",
  body: 'a stream cannot be read while this thread is blocked; give text or bytes, or use Session',
  clock:
    'the session works in a thread of its own, by the machine’s clock; use Session for a clock of your own',
  urls: 'an async iterable cannot be pulled while this thread is blocked; give a plain iterable, or use Session',
}

/** The message for an option that cannot cross to the worker. */
export function adviceFor(value: unknown, where: string): string {
  const name = /([^.[\]]+)(?:\[\d+\])*$/.exec(where)?.[1] ?? where
  const advice =
    instead[name] ??
    (value instanceof Promise
      ? 'await it before'
      : 'the session works in a thread of its own; give plain objects, text, numbers, bytes or functions')
  return `${where}: ${describe(value)} cannot be used by a SyncSession: ${advice}`
}
