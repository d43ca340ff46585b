import type { Entry } from './entry.js';

/** Places that the ring begins with; it has a power of two of them. */
const FEWEST = 16;

/** The idle entries, in the order in which they came back. Whoever comes or goes at one of its ends costs the same, however many there are. */
// A ring, not a list of neighbours: every acquire and release comes by here, and this way each writes to one place instead of four.
export class IdleList {
  size = 0;
  private places: (Entry | null)[] = new Array(FEWEST).fill(null);
  /** The place of the first. */
  private begin = 0;

  get first(): Entry | null {
    return this.places[this.begin] as Entry | null;
  }

  /** The most recently used. */
  get last(): Entry | null {
    // Where there is none, this place is empty as all others are.
    return this.places[(this.begin + this.size - 1) & (this.places.length - 1)] as Entry | null;
  }

  push(entry: Entry): void {
    const { places } = this;
    // There is always a place left.
    places[(this.begin + this.size) & (places.length - 1)] = entry;
    if (++this.size === places.length) this.grow();
  }

  unshift(entry: Entry): void {
    this.begin = (this.begin - 1) & (this.places.length - 1);
    this.places[this.begin] = entry;
    if (++this.size === this.places.length) this.grow();
  }

  /** The caller vouches that it is in this list. */
  remove(entry: Entry): void {
    const { places } = this;
    const end = (this.begin + this.size - 1) & (places.length - 1);
    if (places[end] !== entry) return this.removeFurtherOn(entry);
    places[end] = null;
    this.size--;
  }

  private removeFurtherOn(entry: Entry): void {
    if (this.first !== entry) return this.arrange([...this].filter((other) => other !== entry));
    this.places[this.begin] = null;
    this.begin = (this.begin + 1) & (this.places.length - 1);
    this.size--;
  }

  private grow(): void {
    const all = [...this];
    this.places = new Array(this.places.length * 2).fill(null);
    this.arrange(all);
  }

  private arrange(all: readonly Entry[]): void {
    this.places.fill(null);
    for (const [place, entry] of all.entries()) this.places[place] = entry;
    this.begin = 0;
    this.size = all.length;
  }

  /** Those that are idle now, but for those that are not any more when their turn comes: a visit may have any of them leave. */
  *[Symbol.iterator](): IterableIterator<Entry> {
    const all = Array.from({ length: this.size }, (_, n) => {
      return this.places[(this.begin + n) & (this.places.length - 1)] as Entry;
    });
    for (const entry of all) if (entry.state === 'idle') yield entry;
  }
}
