import { type Came, type Moment, waitsSince } from './moment.js';

/** What stands in a line, and for how long it may. */
export interface Due extends Came {
  came: Moment | null;
  /** How long it may wait, in ms; Infinity = for ever, 0 = for as long as the line lets such as it. */
  readonly timeoutMs: number;
  /** Where it stands in its line; of no meaning to anybody else. */
  spot: number;
}

/** Spots that a line begins with; it has a power of two of them. */
const FEWEST = 16;

/**
 * Those who wait, in the order of arrival. As long as deadlines come in that order too, which they do where all may wait for
 * the same time, those that are over stand in front: nobody looks at the others.
 */
// A ring of spots, not a list of neighbours: what waits long is moved by the garbage collector, and following a list from one to the
// next takes it several times as long as going along an array. Who leaves from the middle leaves a gap.
export class WaitingLine<W extends Due> {
  /** How many stand here. */
  size = 0;
  private spots: (W | null)[] = new Array(FEWEST).fill(null);
  /** The spot of whoever is first. */
  private begin = 0;
  /** Spots from the first to the last, gaps included. */
  private length = 0;
  private inOrder = true;
  /** Of who came last. */
  private limit = 0;
  /** How long somebody waits whose limit is 0. */
  private readonly unqueuedMs: number;

  constructor(unqueuedMs: number) {
    this.unqueuedMs = unqueuedMs;
  }

  get first(): W | null {
    return this.size === 0 ? null : this.at(0);
  }

  get last(): W | null {
    return this.size === 0 ? null : this.at(this.length - 1);
  }

  /** `limit`: how long it may wait here, as `limitOf` says it. */
  push(waiter: W, limit: number): void {
    if (this.length === this.spots.length) this.makeRoom();
    // Who came later and may wait as long is not due sooner.
    if (limit < this.limit) this.inOrder = this.size === 0;
    this.limit = limit;
    const spot = (this.begin + this.length) & (this.spots.length - 1);
    this.spots[spot] = waiter;
    waiter.spot = spot;
    this.length++;
    this.size++;
  }

  /** Takes out who is first. The caller vouches that there is somebody. */
  shift(): W {
    const { spots, begin } = this;
    const first = spots[begin] as W;
    spots[begin] = null;
    if (--this.size > 0) this.skipGaps();
    else this.emptied();
    return first;
  }

  /** The caller vouches that `waiter` is in this line. */
  remove({ spot }: W): void {
    this.spots[spot] = null;
    this.size--;
    if (this.size === 0) {
      this.emptied();
    } else if (spot === this.begin) {
      this.skipGaps();
    } else {
      while (this.at(this.length - 1) === null) this.length--;
    }
  }

  private emptied(): void {
    this.length = 0;
    this.inOrder = true;
  }

  /** Somebody stands here: the first to do so begins the line. */
  private skipGaps(): void {
    const last = this.spots.length - 1;
    do {
      this.begin = (this.begin + 1) & last;
      this.length--;
    } while (this.spots[this.begin] === null);
  }

  private at(place: number): W | null {
    const { spots } = this;
    return spots[(this.begin + place) & (spots.length - 1)] as W | null;
  }

  /** As many spots as before will do where half of them are gaps. */
  private makeRoom(): void {
    const all = [...this];
    const { length } = this.spots;
    this.spots = new Array(all.length > length / 2 ? length * 2 : length).fill(null);
    for (const [spot, waiter] of all.entries()) {
      this.spots[spot] = waiter;
      waiter.spot = spot;
    }
    this.begin = 0;
    this.length = all.length;
  }

  /** How long it may wait in this line, in ms. */
  limitOf({ timeoutMs }: W): number {
    return timeoutMs === 0 ? this.unqueuedMs : timeoutMs;
  }

  /** Infinity = never, or not before the turn is over in which it came. */
  private dueAt(waiter: W): number {
    return waitsSince(waiter) + this.limitOf(waiter);
  }

  /** The earliest deadline. */
  get earliest(): number {
    const { first } = this;
    if (first === null || this.inOrder) return first === null ? Number.POSITIVE_INFINITY : this.dueAt(first);
    let earliest = Number.POSITIVE_INFINITY;
    for (const waiter of this) earliest = Math.min(earliest, this.dueAt(waiter));
    return earliest;
  }

  /** Those whose deadline is over, the longest waiting first. */
  expired(now: number): W[] {
    const found: W[] = [];
    for (const waiter of this) {
      if (this.dueAt(waiter) <= now) found.push(waiter);
      else if (this.inOrder) break;
    }
    return found;
  }

  /** Nobody may come meanwhile, nor leave. */
  *[Symbol.iterator](): IterableIterator<W> {
    for (let place = 0; place < this.length; place++) {
      const waiter = this.at(place);
      if (waiter) yield waiter;
    }
  }
}
