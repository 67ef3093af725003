/**
 * Reads Vary (RFC 9110, 12.5.5).
 * @param lines the values of all field lines
 * @returns the field names in lower case, sorted, each once; '*' when nothing in a request says what
 * the response depends on, for which a member that is no field name counts as well
 */
export function parseVary(lines: readonly string[]): readonly string[] | '*' {
  if (lines.length === 0) return []
  const names = new Set<string>()
  for (const member of lines.join(',').split(',')) {
    const name = member.trim().toLowerCase()
    if (name === '') continue
    if (name === '*' || !/^[!#$%&'*+\-.^_`|~\w]+$/.test(name)) return '*'
    names.add(name)
  }
  return [...names].toSorted()
}
