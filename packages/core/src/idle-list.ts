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

  /** Those that are idle now, but for those that are not any more when their turn comes: a visit may have any of them leave. */
  *[Symbol.iterator](): IterableIterator<Entry> {
    const entries: Entry[] = [];
    for (let entry = this.first; entry; entry = entry.next) entries.push(entry);
    for (const entry of entries) if (entry.state === 'idle') yield entry;
  }
}
