import { type Linked, LinkedList } from './linked-list.js';

/** What has a deadline of its own; Infinity = none. */
export interface Due<Self> extends Linked<Self> {
  deadline: number;
}

/**
 * In the order of arrival. As long as deadlines come in that order too, which they do where all may wait for the same
 * time, those that are over stand in front: nobody looks at the others.
 */
export class WaitingLine<W extends Due<W>> extends LinkedList<W> {
  #inOrder = true;

  override push(waiter: W): void {
    if (this.last && waiter.deadline < this.last.deadline) this.#inOrder = false;
    super.push(waiter);
  }

  override remove(waiter: W): void {
    super.remove(waiter);
    if (this.size === 0) this.#inOrder = true;
  }

  /** The earliest deadline. */
  get earliest(): number {
    if (this.#inOrder) return this.first?.deadline ?? Number.POSITIVE_INFINITY;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadline } of this) earliest = Math.min(earliest, deadline);
    return earliest;
  }

  /** Those whose deadline is over, the longest waiting first. */
  expired(now: number): W[] {
    const found: W[] = [];
    for (const waiter of this) {
      if (waiter.deadline <= now) found.push(waiter);
      else if (this.#inOrder) break;
    }
    return found;
  }
}
