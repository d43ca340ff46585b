import type { Clock } from './clock.js';
import type { Conflict } from './transaction-record.js';

const FIRST_DELAY_MS = 10;
const LONGEST_DELAY_MS = 1_000;

/** Anything up to a limit that doubles: those who were in each other's way don't meet again. `random` in [0, 1). */
export function delayBefore(retry: number, random: number): number {
  return random * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (retry - 1));
}

/** One further attempt of a `transaction(fn)`. */
export interface Retry {
  /** 1 = the first one after the original. */
  readonly attempt: number;
  /** What the server said: 1213 or 1205. */
  readonly errno: number;
  readonly delayMs: number;
}

/** Whoever the transaction is for, as far as they may want no further attempt. */
export interface RetryLimit {
  readonly refusesRetries: boolean;
  /** Told when that may have changed. */
  onChange: (() => void) | null;
}

export interface RetrierHooks {
  /** The connection can, and may, begin another transaction. */
  isReady(): boolean;
  onRetry(retry: Retry): void;
}

/** The time between two attempts of one `transaction(fn)`. */
export class Retrier {
  /** What one attempt did has been undone, and the next is to come: what would run now runs by itself. */
  between = false;
  /** Of the scope whose transaction it is, if it is one's. */
  limit: RetryLimit | null = null;
  readonly #clock: Clock;
  readonly #hooks: RetrierHooks;
  #end: ((goOn: boolean) => void) | null = null;

  constructor(clock: Clock, hooks: RetrierHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** @returns whether the next attempt may be made */
  async wait(attempt: number, { errno }: Conflict): Promise<boolean> {
    if (!this.#isWanted) return false;
    const delayMs = delayBefore(attempt, this.#clock.random());
    this.#hooks.onRetry({ attempt, errno, delayMs });
    return (await this.#pause(delayMs)) && this.#isWanted;
  }

  /** Something has changed: there may be no point in waiting. */
  lookAgain(): void {
    if (!this.#isWanted) this.#end?.(false);
  }

  get #isWanted(): boolean {
    return this.#hooks.isReady() && !this.limit?.refusesRetries;
  }

  async #pause(ms: number): Promise<boolean> {
    const { limit } = this;
    if (limit) limit.onChange = () => this.lookAgain();
    try {
      return await new Promise<boolean>((resolve) => {
        const timer = this.#clock.after(ms, () => resolve(true), true);
        this.#end = (goOn) => {
          timer.cancel();
          resolve(goOn);
        };
      });
    } finally {
      this.#end = null;
      if (limit) limit.onChange = null;
    }
  }
}
