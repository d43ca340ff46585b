import { performance } from 'node:perf_hooks';
import { outsideRequests } from './neutral.js';

/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/** Time as the pool sees it; tests pass their own. */
export interface Clock {
  /** Monotonic milliseconds: a change of the wall clock evicts nobody. */
  now(): number;
  /** Runs `fn` once after `ms`. Keeps the process alive only for somebody who waits for it (`awaited`). */
  after(ms: number, fn: () => void, awaited?: boolean): Timer;
  /** Runs `fn` after the I/O that is already there has been handled. */
  soon(fn: () => void): void;
  /** Uniform in [0, 1): the jitter of back-off and lifetime. */
  random(): number;
}

/** Node's limit: a longer delay would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

class NodeTimer implements Timer {
  readonly #handle: NodeJS.Timeout;

  constructor(ms: number, fn: () => void, awaited: boolean) {
    this.#handle = outsideRequests(() => setTimeout(fn, Math.min(ms, LONGEST_DELAY_MS)));
    if (!awaited) this.#handle.unref();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, fn, awaited = false) => new NodeTimer(ms, fn, awaited),
  soon: (fn) => {
    setImmediate(fn);
  },
  random: Math.random,
};
