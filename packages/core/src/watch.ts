import type { Clock, Timer } from './clock.js';
import type { Slots } from './slots.js';

/** How long a lease is young: it is looked at then, between half as long and as long after its beginning. */
export const YOUNG_MS = 1_000;

const NEVER = Number.POSITIVE_INFINITY;

/**
 * One timer for everything that falls due on leases: limits of statements, reports of leaks, the end of a hold. What
 * ends in time costs a comparison and calls nothing off: the timer finds nothing due and is set for what is next.
 */
export class Watch {
  readonly #clock: Clock;
  readonly #slots: Slots;
  #timer: Timer | null = null;
  #at = NEVER;
  #awaited = false;
  /** It is known when those that are young are looked at. */
  #expectsYoung = false;

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

  /** A lease that began at `since` is young. Those that come back before anybody looks at them have cost this much. */
  expectYoung(since: number): void {
    if (this.#expectsYoung) return;
    this.#expectsYoung = true;
    this.expect(since + YOUNG_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#at = NEVER;
    this.#expectsYoung = false;
    this.#awaited = false;
  }

  #look(): void {
    this.stop();
    const now = this.#clock.now();
    const all = [...this.#slots.all];
    for (const { young, heldSince } of all) if (now - heldSince >= YOUNG_MS / 2) young?.grow();
    for (const { holding } of all) if (holding && holding.dueAt <= now) holding.due(now);
    for (const { holding, young, heldSince } of this.#slots.all) {
      if (holding) this.expect(holding.dueAt, holding.isStalled);
      if (young) this.expectYoung(heldSince);
    }
  }
}
