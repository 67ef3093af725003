/** What an item of a {@link LinkedList} carries; only the list writes it. */
export interface Linked<T extends Linked<T>> {
  previous: T | undefined
  next: T | undefined
  /** The list it is in. */
  list: LinkedList<T> | undefined
}

/** A doubly linked list whose items are their own nodes: adding and removing take constant time anywhere. */
export class LinkedList<T extends Linked<T>> {
  #head: T | undefined
  #tail: T | undefined
  #size = 0

  get head(): T | undefined {
    return this.#head
  }

  get tail(): T | undefined {
    return this.#tail
  }

  get size(): number {
    return this.#size
  }

  /** All items, from the front; the one that it is at may be taken out meanwhile. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let item = this.#head; item !== undefined;) {
      const { next }: T = item
      yield item
      item = next
    }
  }

  /** Puts `item`, which is in no list, behind `after`; at the front when that is undefined. */
  insert(item: T, after: T | undefined): void {
    const next = after === undefined ? this.#head : after.next
    item.list = this
    item.previous = after
    item.next = next
    if (after === undefined) this.#head = item
    else after.next = item
    if (next === undefined) this.#tail = item
    else next.previous = item
    this.#size++
  }

  /** Takes `item`, which is in this list, out. */
  remove(item: T): void {
    if (item.previous === undefined) this.#head = item.next
    else item.previous.next = item.next
    if (item.next === undefined) this.#tail = item.previous
    else item.next.previous = item.previous
    item.list = undefined
    item.previous = undefined
    item.next = undefined
    this.#size--
  }
}
