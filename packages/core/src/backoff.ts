import type { Clock, Timer } from './clock.js';
import { type OpenFailure, openFailureOf } from './error-classes.js';
import { retryDelayMs } from './open-failures.js';

/** What is known of failing to connect, and when to try again. */
export class Backoff {
  readonly #clock: Clock;
  readonly #retry: () => void;
  #timer: Timer | null = null;
  #attempts = 0;
  #attended = false;
  #serving = false;
  /** The failure that still stands; null once an attempt has succeeded. */
  lastError: Error | null = null;
  failure: OpenFailure | null = null;

  constructor(clock: Clock, retry: () => void) {
    this.#clock = clock;
    this.#retry = retry;
  }

  get failing(): boolean {
    return this.lastError !== null;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** Whether the next attempt has to wait. */
  get waiting(): boolean {
    return this.#timer !== null;
  }

  /**
   * `attended`: somebody waits; `serving`: there are connections to serve with.
   *
   * @returns the delay before the next attempt, in ms
   */
  failed(error: Error, attended: boolean, serving: boolean): number {
    this.lastError = error;
    this.#serving = serving;
    this.failure = openFailureOf(error);
    this.#attempts++;
    return this.#schedule(attended);
  }

  /** Somebody has come to wait: an attempt that was put off because nobody did is made sooner. */
  attend(): void {
    if (this.#timer && !this.#attended) this.#schedule(true);
  }

  succeeded(): void {
    this.stop();
    this.lastError = null;
    this.failure = null;
    this.#attempts = 0;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #schedule(attended: boolean): number {
    this.stop();
    this.#attended = attended;
    const delay = retryDelayMs(
      { failure: this.failure ?? 'passing', attempts: this.#attempts, attended, serving: this.#serving },
      this.#clock.random(),
    );
    const retry = () => {
      this.#timer = null;
      this.#retry();
    };
    this.#timer = this.#clock.after(delay, retry, attended);
    return delay;
  }
}
