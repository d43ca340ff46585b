import type { Clock } from './clock.js';
import type { Entry } from './entry.js';
import { HandbackError } from './errors.js';
import { outsideRequests } from './neutral.js';
import type { PoolSettings } from './options.js';
import type { Slots } from './slots.js';
import type { State } from './states.js';

/** In somebody's hands, or not yet clean. */
export const HELD: ReadonlySet<State> = new Set<State>(['leased', 'draining', 'resetting', 'validating']);
const LAST_WORDS_MS = 2_000;

export interface ShutdownParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly slots: Slots;
}

export interface ShutdownHooks {
  /** Nobody is served any more, and nothing is opened; `reason` is for what is being opened. */
  stop(reason: Error): void;
  evict(entry: Entry, detail: string, cause?: Error): void;
  /** What is not gone by now is left to the server. */
  giveUp(): void;
  /** All is done. */
  finish(): void;
}

/** The end of a pool: nothing new, a time for what is out, then the sockets are cut. */
export class Shutdown {
  readonly #parts: ShutdownParts;
  readonly #hooks: ShutdownHooks;
  /** No more leases. Every acquire and release asks. */
  begun = false;
  #closing: Promise<void> | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(parts: ShutdownParts, hooks: ShutdownHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  /** A second call waits for the first. */
  close(timeoutMs: number): Promise<void> {
    this.begun = true;
    this.#parts.slots.doubt();
    this.#closing ??= outsideRequests(() => this.#close(timeoutMs));
    return this.#closing;
  }

  /** A connection is closed. */
  closed(): void {
    if (this.#parts.slots.size === 0) this.#onEmpty?.();
  }

  async #close(timeoutMs: number): Promise<void> {
    const { slots, settings } = this.#parts;
    // Nothing below is called back before `close` has returned.
    await null;
    this.#hooks.stop(poolClosed('The pool was closed while the connection was being opened.'));
    for (const entry of slots.idle) this.#hooks.evict(entry, 'the pool is closing');
    for (const { holding } of slots.all) holding?.poolCloses();
    await this.#emptied(timeoutMs);
    this.#hooks.giveUp();
    const cause = poolClosed(
      'The pool was closed, and its deadline passed, while this connection was in use.',
    );
    for (const entry of [...slots.all]) {
      if (HELD.has(entry.state))
        this.#hooks.evict(entry, 'it was still held when the pool was closed', cause);
    }
    // For the goodbyes, and for the KILL of what still runs.
    await this.#emptied(settings.connectTimeoutMs + LAST_WORDS_MS);
    this.#hooks.finish();
  }

  #emptied(timeoutMs: number): Promise<void> {
    const { slots, clock } = this.#parts;
    if (slots.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = clock.after(timeoutMs, resolve, true);
      this.#onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

function poolClosed(message: string): HandbackError {
  return new HandbackError('POOL_CLOSED', message);
}
