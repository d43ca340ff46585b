import type { Entry } from './entry.js';
import { IdleList } from './idle-list.js';
import { isLegalMove, type State } from './states.js';

export type StateCounts = Readonly<Record<State, number>>;
type WritableCounts = Record<State, number>;

/**
 * All entries of one pool and the state each is in. `move` is the only writer of a state; the counts and the
 * list of idle entries follow from it, so they can't disagree.
 */
export class Slots {
  readonly all = new Set<Entry>();
  readonly idle = new IdleList();
  /** Entries ever added. */
  opened = 0;
  /** Entries that reached `closed`. */
  closed = 0;
  readonly counts: StateCounts = {
    opening: 0,
    idle: 0,
    validating: 0,
    leased: 0,
    draining: 0,
    resetting: 0,
    closing: 0,
    ghost: 0,
    closed: 0,
  };

  /** Entries that count against `max`: all that are not closed. */
  get size(): number {
    return this.opened - this.closed;
  }

  add(entry: Entry): void {
    this.all.add(entry);
    this.opened++;
    count(this.counts, 'opening', 1);
  }

  /** What decides about connections has changed: the next to handle one looks at it more closely. */
  doubt(): void {
    for (const entry of this.all) entry.doubt();
  }

  /**
   * `first`: among the idle ones it goes before the others, not behind them.
   *
   * @throws {Error} on an illegal move: a defect of the pool, never of its user.
   */
  move(entry: Entry, to: State, first = false): void {
    const from = entry.state;
    if (!isLegalMove(from, to)) throw new Error(`Illegal move of connection ${entry.id}: ${from} to ${to}`);
    if (from === 'idle') this.idle.remove(entry);
    count(this.counts, from, -1);
    (entry as { state: State }).state = to;
    count(this.counts, to, 1);
    if (to === 'idle') this.join(entry, first);
    else if (to === 'closed') this.leave(entry);
    // It counts again, as one that was closing did not: there may be one too many.
    else if (to === 'ghost') this.doubt();
  }

  /** As `move(entry, 'leased')` from `idle`, the way of nearly every acquire. */
  lend(entry: Entry): void {
    if (entry.state !== 'idle') return this.move(entry, 'leased');
    this.idle.remove(entry);
    const counts: WritableCounts = this.counts;
    counts.idle--;
    counts.leased++;
    (entry as { state: State }).state = 'leased';
  }

  /** As `move(entry, 'idle')` from `leased`, the way of nearly every release. */
  bringBack(entry: Entry): void {
    if (entry.state !== 'leased') return this.move(entry, 'idle');
    const counts: WritableCounts = this.counts;
    counts.leased--;
    counts.idle++;
    (entry as { state: State }).state = 'idle';
    this.idle.push(entry);
  }

  private join(entry: Entry, first: boolean): void {
    if (first) this.idle.unshift(entry);
    else this.idle.push(entry);
  }

  private leave(entry: Entry): void {
    count(this.counts, 'closed', -1);
    this.closed++;
    this.all.delete(entry);
  }
}

/** `counts` as its owner may write it. The two of every acquire and release by name: a key that varies costs several times as much. */
function count(counts: { -readonly [S in State]: number }, state: State, change: 1 | -1): void {
  if (state === 'idle') counts.idle += change;
  else if (state === 'leased') counts.leased += change;
  else counts[state] += change;
}
