import type { Clock, Timer } from './clock.js';

const LONGEST_INTERVAL_MS = 5_000;
const SHORTEST_INTERVAL_MS = 20;

/** The one sweep: looks at idle connections now and then. What to do with them is up to `visit`. */
export class Evictor {
  readonly #clock: Clock;
  readonly #limitsMs: () => readonly number[];
  readonly #visit: () => void;
  #timer: Timer | null = null;

  /** `limitsMs`: how long a connection may be idle, or live; the sweep looks four times as often. */
  constructor(clock: Clock, limitsMs: () => readonly number[], visit: () => void) {
    this.#clock = clock;
    this.#limitsMs = limitsMs;
    this.#visit = visit;
  }

  get #intervalMs(): number {
    const limits = this.#limitsMs().filter((ms) => ms > 0 && ms < Number.POSITIVE_INFINITY);
    return Math.max(SHORTEST_INTERVAL_MS, Math.min(LONGEST_INTERVAL_MS, ...limits.map((ms) => ms / 4)));
  }

  /** Idempotent. */
  start(): void {
    this.#timer ??= this.#clock.after(this.#intervalMs, () => {
      this.#timer = null;
      this.start();
      this.#visit();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
