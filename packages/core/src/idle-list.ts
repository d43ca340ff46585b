import type { Entry } from './entry.js';

/**
 * The idle entries, in the order in which they came back. It is what `LinkedList` is, said again for entries alone: every
 * acquire and release comes by here, and code that sees values of one shape only is several times as fast.
 */
export class IdleList {
  first: Entry | null = null;
  /** The most recently used. */
  last: Entry | null = null;
  size = 0;

  push(entry: Entry): void {
    const { last } = this;
    entry.previous = last;
    if (last) last.next = entry;
    else this.first = entry;
    this.last = entry;
    this.size++;
  }

  unshift(entry: Entry): void {
    const { first } = this;
    entry.next = first;
    if (first) first.previous = entry;
    else this.last = entry;
    this.first = entry;
    this.size++;
  }

  /** The caller vouches that it is in this list. */
  remove(entry: Entry): void {
    const { previous, next } = entry;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.last = previous;
    entry.previous = null;
    entry.next = null;
    this.size--;
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    let entry = this.first;
    while (entry) {
      // Read first: the visitor may remove the entry.
      const { next } = entry;
      yield entry;
      entry = next;
    }
  }
}
