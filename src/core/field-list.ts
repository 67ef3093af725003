/**
 * Header fields as the wire has them: name, value, name, value. Case and order are kept, repeated
 * fields stay apart. Names compare without regard to case (RFC 9110, 5.1). Never mutated in place.
 */
export type FieldList = readonly string[]

/** The first value of a field, or undefined. `name` in lower case. */
export function fieldValue(fields: FieldList, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (sameName(fields[i] as string, name)) return fields[i + 1]
  }
  return undefined
}

/** All values of a field, in order. `name` in lower case. */
export function fieldValues(fields: FieldList, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    if (sameName(fields[i] as string, name)) values.push(fields[i + 1] as string)
  }
  return values
}

/** The same list with `name` set to one value, in the place of its first occurrence. */
export function withField(fields: FieldList, name: string, value: string): string[] {
  const list: string[] = []
  let placed = false
  const wanted = name.toLowerCase()
  for (let i = 0; i < fields.length; i += 2) {
    if (!sameName(fields[i] as string, wanted)) {
      list.push(fields[i] as string, fields[i + 1] as string)
    } else if (!placed) {
      list.push(fields[i] as string, value)
      placed = true
    }
  }
  if (!placed) list.push(name, value)
  return list
}

/** The same list with only the fields whose lower-cased name passes. */
export function filterFields(fields: FieldList, keep: (name: string) => boolean): string[] {
  const list: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    if (keep((fields[i] as string).toLowerCase())) list.push(fields[i] as string, fields[i + 1] as string)
  }
  return list
}

function sameName(name: string, wanted: string): boolean {
  return name.length === wanted.length && (name === wanted || name.toLowerCase() === wanted)
}
