/** Without braces, which would end a hash tag or begin it too soon; and not empty, which would be none. */
export function escape(text: string): string {
  if (text === '') return '%'
  return special.test(text) ? text.replace(/[%{}]/g, (character) => escapes[character] as string) : text
}

const special = /[%{}]/

/** What {@link escape} was given. */
export function unescape(text: string): string {
  return text === '%' ? '' : text.replace(/%25|%7B|%7D/g, (escaped) => unescapes[escaped] as string)
}

const escapes: Readonly<Record<string, string>> = { '%': '%25', '{': '%7B', '}': '%7D' }
const unescapes: Readonly<Record<string, string>> = { '%25': '%', '%7B': '{', '%7D': '}' }
