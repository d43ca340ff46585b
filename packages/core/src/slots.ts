import type { Entry } from './entry.js';
import { LinkedList } from './linked-list.js';
import { LEGAL_MOVES, type State } from './states.js';

export type StateCounts = Readonly<Record<State, number>>;

/**
 * All entries of one pool and the state each is in. `move` is the only writer of a state; the counts and the
 * list of idle entries follow from it, so they can't disagree.
 */
export class Slots {
  readonly all = new Set<Entry>();
  /** In the order in which they came back: the last one is the most recently used. */
  readonly idle = new LinkedList<Entry>();
  /** Entries ever added. */
  opened = 0;
  /** Entries that reached `closed`. */
  closed = 0;
  readonly #counts: Record<State, number> = {
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

  get counts(): StateCounts {
    return this.#counts;
  }

  /** Entries that count against `max`: all that are not closed. */
  get size(): number {
    return this.all.size;
  }

  add(entry: Entry): void {
    this.all.add(entry);
    this.opened++;
    this.#counts.opening++;
  }

  /**
   * `first`: among the idle ones it goes before the others, not behind them.
   *
   * @throws {Error} on an illegal move: a defect of the pool, never of its user.
   */
  move(entry: Entry, to: State, first = false): void {
    const from = entry.state;
    if (!LEGAL_MOVES[from].includes(to))
      throw new Error(`Illegal move of connection ${entry.id}: ${from} to ${to}`);
    if (from === 'idle') this.idle.remove(entry);
    this.#counts[from]--;
    (entry as { state: State }).state = to;
    this.#counts[to]++;
    if (to === 'idle') this.idle[first ? 'unshift' : 'push'](entry);
    if (to !== 'closed') return;
    this.#counts.closed--;
    this.closed++;
    this.all.delete(entry);
  }
}
