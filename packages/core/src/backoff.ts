import type { Clock, Timer } from './clock.js';
import { type OpenFailure, openFailureOf } from './error-classes.js';
import { rampDelayMs, rejoinDelayMs, retryDelayMs, scatterDelayMs } from './open-failures.js';

/** What is known of failing to connect, and when to try again. */
export class Backoff {
  readonly #clock: Clock;
  readonly #retry: () => void;
  #timer: Timer | null = null;
  #attempts = 0;
  #attended = false;
  #serving = false;
  #lostAll = false;
  #failedAt = Number.NEGATIVE_INFINITY;
  #retryAt = Number.NEGATIVE_INFINITY;
  /** The failure that still stands; null once an attempt has succeeded. */
  lastError: Error | null = null;
  failure: OpenFailure | null = null;

  constructor(clock: Clock, retry: () => void) {
    this.#clock = clock;
    this.#retry = retry;
  }

  /** Whether it is doubtful that an attempt would succeed: one at a time is enough to find out. */
  get doubtful(): boolean {
    return this.failing || this.#lostAll;
  }

  get failing(): boolean {
    return this.lastError !== null;
  }

  /** The server has no room, and the next attempt is put off because there are connections to serve with. */
  get makesDo(): boolean {
    return this.waiting && this.failure === 'full' && this.#serving;
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
    this.#failedAt = this.#clock.now();
    return this.#schedule(attended);
  }

  /** All connections were lost in one moment, most likely those of other processes too. */
  lostAll(): void {
    this.#lostAll = true;
    if (!this.waiting) this.#pause(scatterDelayMs(this.#clock.random()), true);
  }

  /** Somebody has come to wait: an attempt that was put off because nobody did is made sooner. */
  attend(): void {
    if (this.#timer && this.failing && !this.#attended) this.#schedule(true);
  }

  /**
   * The server has no room, and a place of the pool's own is free since, while it has nothing else to serve with: a long
   * pause would be nobody's gain.
   *
   * @returns the delay before the next attempt, in ms
   */
  placeFreed(): number {
    const delay = rejoinDelayMs(this.#clock.random());
    this.#serving = false;
    this.#pause(delay, this.#attended);
    return delay;
  }

  /** How long it is until the next attempt, in ms. */
  get retryInMs(): number {
    return Math.max(0, this.#retryAt - this.#clock.now());
  }

  /** After an outage the other processes have their turn before this one opens more. */
  succeeded(begunAt: number): void {
    // The last place was its own: that there is no other still holds.
    if (this.failure === 'full' && begunAt <= this.#failedAt) return;
    const first = this.doubtful;
    this.stop();
    this.lastError = null;
    this.failure = null;
    this.#lostAll = false;
    this.#attempts = 0;
    if (first) this.#pause(rampDelayMs(this.#clock.random()));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #schedule(attended: boolean): number {
    const delay = retryDelayMs(
      { failure: this.failure ?? 'passing', attempts: this.#attempts, attended, serving: this.#serving },
      this.#clock.random(),
    );
    this.#attended = attended;
    this.#pause(delay, attended);
    return delay;
  }

  #pause(ms: number, awaited = false): void {
    this.stop();
    this.#retryAt = this.#clock.now() + ms;
    const retry = () => {
      this.#timer = null;
      this.#retry();
    };
    this.#timer = this.#clock.after(ms, retry, awaited);
  }
}
