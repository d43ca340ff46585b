import type { Clock, Timer } from './clock.js';
import type { PoolSettings } from './options.js';

const LONGEST_INTERVAL_MS = 5_000;
const SHORTEST_INTERVAL_MS = 20;

/** The one sweep: looks at idle connections now and then. What to do with them is up to `visit`. */
export class Evictor {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #visit: () => void;
  #timer: Timer | null = null;

  constructor(clock: Clock, settings: PoolSettings, visit: () => void) {
    this.#clock = clock;
    this.#visit = visit;
    const limits = [settings.idleTimeoutMs, settings.maxLifetimeMs].filter((ms) => ms > 0);
    this.#intervalMs = Math.max(
      SHORTEST_INTERVAL_MS,
      Math.min(LONGEST_INTERVAL_MS, ...limits.map((ms) => ms / 4)),
    );
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
