import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { skipN } from 'pure-rand/utils/skipN';

/** Chance that can be replayed: the same seed draws the same. */
export class Random {
  readonly #generator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
    // Its first numbers are much alike for seeds that are close together.
    skipN(this.#generator, 64);
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return uniformInt(this.#generator, low, high);
  }

  /** 0 ≤ number < 1 */
  share(): number {
    return uniformFloat64(this.#generator);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.share() < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[this.int(0, items.length - 1)] as T;
  }

  /** At most `count` different ones of the items, in random order. */
  sample<T>(items: readonly T[], count = items.length): T[] {
    const rest = [...items];
    const drawn: T[] = [];
    while (drawn.length < count && rest.length > 0) {
      drawn.push(...rest.splice(this.int(0, rest.length - 1), 1));
    }
    return drawn;
  }

  /** A generator for one part: what it draws shifts nothing in the others. */
  fork(): Random {
    return new Random(this.int(-0x80000000, 0x7fffffff));
  }
}
