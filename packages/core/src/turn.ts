import type { Clock } from './clock.js';
import { HandbackError } from './errors.js';

/** One at a time: `transaction(fn)` on a connection that is inside one waits for its turn, up to a deadline. */
export class Turn {
  readonly #clock: Clock;
  #last: Promise<void> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves with the function that ends the turn.
   *
   * @throws {HandbackError} TRANSACTION_NESTED when the deadline passes first, most likely because the caller
   * is itself inside the transaction it waits for.
   */
  async take(timeoutMs: number): Promise<() => void> {
    const before = this.#last;
    let end!: () => void;
    const mine = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#last = mine;
    if (before && !(await this.#within(before, timeoutMs))) {
      // Whoever queued behind still has to wait for the one in front.
      void before.then(end);
      throw new HandbackError(
        'TRANSACTION_NESTED',
        'A transaction is already open on this connection; inside transaction(fn) use tx.transaction().',
      );
    }
    return () => {
      if (this.#last === mine) this.#last = null;
      end();
    };
  }

  async #within(before: Promise<void>, timeoutMs: number): Promise<boolean> {
    if (timeoutMs === Number.POSITIVE_INFINITY) return before.then(() => true);
    let cancel = () => {};
    const late = new Promise<false>((resolve) => {
      const timer = this.#clock.after(timeoutMs, () => resolve(false), true);
      cancel = () => timer.cancel();
    });
    const inTime = await Promise.race([before.then(() => true), late]);
    cancel();
    return inTime;
  }
}
