/** No more than these are known; others are as they come. */
const most = 512

/** One string in the place of many equal ones. */
export class SharedTexts {
  readonly #texts = new Map<string, string>()

  share(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (this.#texts.size < most) this.#texts.set(text, text)
    return text
  }
}
