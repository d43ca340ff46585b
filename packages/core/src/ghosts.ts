import type { Clock } from './clock.js';
import type { Control } from './control.js';
import type { Entry } from './entry.js';
import { hostIsUnreachable, serverIsGone } from './error-classes.js';

const RETRY_MS = 500;
const MAX_RETRY_MS = 5_000;
/** A server that can't be reached for this long must not block the places for connections to another one. */
const UNREACHABLE_MS = 30_000;

/**
 * Follows sessions whose socket was cut while a statement ran. The server does not notice a cut socket before it
 * writes to it, so the thread keeps its locks and its place until it is killed.
 */
export class Ghosts {
  readonly #clock: Clock;
  readonly #control: Control;
  readonly #onGone: (entry: Entry) => void;
  #lastTry = false;

  constructor(clock: Clock, control: Control, onGone: (entry: Entry) => void) {
    this.#clock = clock;
    this.#control = control;
    this.#onGone = onGone;
  }

  follow(entry: Entry, retryMs = RETRY_MS, unreachableSince: number | null = null): void {
    const { connection } = entry;
    if (!connection || entry.state !== 'ghost') return;
    this.#control.endThread(connection, this.#clock.now() - entry.bornAt).then(
      (gone) => (gone ? this.#gone(entry) : this.#again(entry, RETRY_MS / 10)),
      (error: Error & { code?: string }) => {
        const since = hostIsUnreachable(error) ? (unreachableSince ?? this.#clock.now()) : null;
        const lost = since !== null && this.#clock.now() - since >= UNREACHABLE_MS;
        if (serverIsGone(error) || lost) this.#gone(entry);
        else this.#again(entry, Math.min(retryMs * 2, MAX_RETRY_MS), since);
      },
    );
  }

  /** The pool is closing: whoever is not gone after one more try is left to the server. */
  giveUp(): void {
    this.#lastTry = true;
  }

  #again(entry: Entry, retryMs: number, unreachableSince: number | null = null): void {
    if (this.#lastTry) this.#gone(entry);
    else this.#clock.after(retryMs, () => this.follow(entry, retryMs, unreachableSince));
  }

  #gone(entry: Entry): void {
    if (entry.state === 'ghost') this.#onGone(entry);
  }
}
