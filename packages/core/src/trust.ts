import type { Clock } from './clock.js';
import type { Trust } from './policy.js';

/** What the pool still believes of connections that it opened earlier. */
export class PoolTrust implements Trust {
  generation = 1;
  distrustedAt = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One of them was lost without warning: the others are asked before they are used. */
  distrust(): void {
    this.distrustedAt = this.#clock.now();
  }

  /** None of those that are open now is used again. */
  renew(): void {
    this.generation++;
  }
}
