/** What a value needs to be in a {@link LinkedList}: room for its two neighbours. */
export interface Linked<T> {
  previous: T | null;
  next: T | null;
}

/**
 * An intrusive doubly linked list: every operation is O(1), removal from the middle included, which is what
 * a cancelled waiter or an idle connection that died needs. A value is in at most one list at a time.
 */
export class LinkedList<T extends Linked<T>> {
  first: T | null = null;
  last: T | null = null;
  size = 0;

  push(value: T): void {
    value.previous = this.last;
    value.next = null;
    if (this.last) this.last.next = value;
    else this.first = value;
    this.last = value;
    this.size++;
  }

  unshift(value: T): void {
    value.previous = null;
    value.next = this.first;
    if (this.first) this.first.previous = value;
    else this.last = value;
    this.first = value;
    this.size++;
  }

  /** The caller vouches that `value` is in this list. */
  remove(value: T): void {
    if (value.previous) value.previous.next = value.next;
    else this.first = value.next;
    if (value.next) value.next.previous = value.previous;
    else this.last = value.previous;
    value.previous = null;
    value.next = null;
    this.size--;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    let value = this.first;
    while (value) {
      // Read first: the visitor may remove the value.
      const { next } = value;
      yield value;
      value = next;
    }
  }
}
