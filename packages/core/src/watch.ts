import type { Clock, Timer } from './clock.js';
import type { Slots } from './slots.js';

/**
 * One timer for everything that falls due on leases: limits of statements, reports of leaks, the end of a hold. What
 * ends in time costs a comparison and calls nothing off: the timer finds nothing due and is set for what is next.
 */
export class Watch {
  readonly #clock: Clock;
  readonly #slots: Slots;
  #timer: Timer | null = null;
  #at = Number.POSITIVE_INFINITY;
  #awaited = false;

  constructor(clock: Clock, slots: Slots) {
    this.#clock = clock;
    this.#slots = slots;
  }

  /** `awaited` = nothing but this keeps the process alive for somebody who waits. */
  expect(at: number, awaited = false): void {
    if (at >= this.#at && (this.#awaited || !awaited)) return;
    const [earliest, anyAwaited] = [Math.min(at, this.#at), this.#awaited || awaited];
    this.stop();
    this.#at = earliest;
    this.#awaited = anyAwaited;
    // After a blocked event loop an answer may lie in the socket: a timer comes before it is read.
    const look = () => this.#clock.soon(() => this.#look());
    this.#timer = this.#clock.after(Math.max(0, earliest - this.#clock.now()), look, anyAwaited);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#at = Number.POSITIVE_INFINITY;
    this.#awaited = false;
  }

  #look(): void {
    this.stop();
    const now = this.#clock.now();
    for (const { holding } of [...this.#slots.all]) if (holding && holding.dueAt <= now) holding.due(now);
    for (const { holding } of this.#slots.all) if (holding) this.expect(holding.dueAt, holding.isStalled);
  }
}
