import type { Clock } from './clock.js';
import type { Trust } from './policy.js';
import type { Slots } from './slots.js';

/** What the pool still believes of connections that it opened earlier. */
export class PoolTrust implements Trust {
  generation = 1;
  distrustedAt = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;
  readonly #slots: Slots;

  constructor(clock: Clock, slots: Slots) {
    this.#clock = clock;
    this.#slots = slots;
  }

  /** One of them was lost without warning: the others are asked before they are used. */
  distrust(): void {
    this.distrustedAt = this.#clock.now();
    this.#slots.doubt();
  }

  /** None of those that are open now is used again. */
  renew(): void {
    this.generation++;
    this.#slots.doubt();
  }
}
