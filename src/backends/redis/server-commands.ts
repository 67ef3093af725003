import type { ServerSettings } from './server-options.ts'
import { askServer } from './status-replies.ts'

/** How long a large database may take to be written. */
const savePatience = 60_000 // ms

/** Where a server is, and how to log in. */
export type ServerAddress = Pick<ServerSettings, 'username' | 'password'> & { readonly socketPath: string }

/** The reply to PING: `+PONG`, or an error such as `-LOADING …`. @throws when nobody answers */
export async function ping(address: ServerAddress): Promise<string> {
  return (await askServer(address.socketPath, [...login(address), ['PING']])).at(-1) ?? 'silence'
}

/**
 * Writes the data to the file and ends the server, which says so by closing the connection.
 * @throws Error when it refuses, or cannot be asked
 */
export async function saveAndEnd(address: ServerAddress): Promise<void> {
  const commands = [...login(address), ['SHUTDOWN', 'SAVE']]
  const replies = await askServer(address.socketPath, commands, savePatience)
  const refusal = replies.find((reply) => reply.startsWith('-'))
  if (refusal !== undefined) throw new Error(refusal.slice(1))
}

function login({ username = 'default', password }: ServerAddress): string[][] {
  return password === undefined ? [] : [['AUTH', username, password]]
}
