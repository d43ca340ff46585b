import type { Clock } from './clock.js';

/** What has been seen, and is yet to be decided. */
export interface Ending {
  decide(): void;
}

/**
 * The ends of requests are decided one turn of the event loop after they were seen. Those that are seen in one turn share
 * it: an answer then costs no turn, and no closure, of its own.
 */
export class Endings {
  readonly #clock: Clock;
  #seen: Ending[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(ending: Ending): void {
    if (this.#seen.push(ending) === 1) this.#clock.soon(this.#decide);
  }

  /** What is seen meanwhile has a turn of its own. */
  readonly #decide = (): void => {
    const seen = this.#seen;
    this.#seen = [];
    let next = 0;
    try {
      while (next < seen.length) (seen[next++] as Ending).decide();
    } finally {
      // A listener of the application has thrown: that is not the fault of the others.
      for (const each of seen.slice(next)) this.add(each);
    }
  };
}
