/**
 * A user's prefix as it stands in front of the first colon of every key: without colons of its own,
 * so that clearing `api` never touches the keys of `api:v2`.
 */
export function escapePrefix(prefix: string): string {
  return prefix.replaceAll('%', '%25').replaceAll(':', '%3A')
}
