import type { Clock } from './clock.js';
import type { Control, Fate } from './control.js';
import type { DriverConnection } from './driver.js';
import type { Entry } from './entry.js';
import { hostIsUnreachable, openFailureOf, serverIsGone } from './error-classes.js';
import { retryDelayMs } from './open-failures.js';

const RETRY_MS = 500;
/** Their places are wanted as soon as the server is back. */
const MAX_RETRY_MS = 1_000;
/**
 * A server that can't be reached for this long, or a thread that may be somebody else's, must not block places that
 * connections to another server need.
 */
const UNCERTAIN_MS = 30_000;
/** An idle thread ends as soon as it reads that its client has left: one that does not is not ours, or was never told. */
const IDLE_MS = 5_000;

/** Who refuses in front of the server may do so for a moment, while the server goes on. */
const REFUSED_MS = 5_000;

export interface GhostsHooks {
  onGone(entry: Entry): void;
  /** Nothing in between, as far as is known: who refuses is the server's own machine. */
  isDirect(connection: DriverConnection): boolean;
  /** They have every place, and somebody waits: nothing else finds out when the server is back. */
  isUrgent(): boolean;
}

/**
 * Follows sessions whose socket was cut, or lost, while a statement ran. The server does not notice a cut socket before it
 * writes to it, so the thread keeps its locks and its place until it is killed.
 */
export class Ghosts {
  readonly #clock: Clock;
  readonly #control: Control;
  readonly #hooks: GhostsHooks;
  #lastTry = false;

  constructor(clock: Clock, control: Control, hooks: GhostsHooks) {
    this.#clock = clock;
    this.#control = control;
    this.#hooks = hooks;
  }

  follow(entry: Entry, retryMs = RETRY_MS, waitingSince: number | null = null): void {
    const { connection } = entry;
    if (!connection || entry.state !== 'ghost') return;
    this.#end(connection, entry.bornAt).then(
      (fate) => {
        if (fate === 'gone') return this.#gone(entry);
        const since = fate === 'killed' ? null : (waitingSince ?? this.#clock.now());
        this.#againUnlessTooLong(entry, RETRY_MS / 10, since, fate === 'idle' ? IDLE_MS : UNCERTAIN_MS);
      },
      (error: Error & { code?: string }) => {
        const isRefused = serverIsGone(error);
        if (isRefused && this.#hooks.isDirect(connection)) return this.#gone(entry);
        const since = isRefused || hostIsUnreachable(error) ? (waitingSince ?? this.#clock.now()) : null;
        const atMostMs = isRefused ? REFUSED_MS : UNCERTAIN_MS;
        this.#againUnlessTooLong(entry, this.#retryMs(error, retryMs), since, atMostMs);
      },
    );
  }

  #end(connection: DriverConnection, bornAt: number): Promise<Fate> {
    return connection.lostAtWork
      ? this.#control.lookAfter(connection, bornAt)
      : this.#control.endThread(connection, bornAt);
  }

  #retryMs(error: Error, lastMs: number): number {
    const failure = openFailureOf(error);
    if (failure !== 'passing' || !this.#hooks.isUrgent()) return Math.min(lastMs * 2, MAX_RETRY_MS);
    return retryDelayMs({ failure, attempts: 1, attended: true, serving: false }, this.#clock.random());
  }

  /** `waitingSince`: when it began that nothing could be found out, or proven. */
  #againUnlessTooLong(
    entry: Entry,
    retryMs: number,
    waitingSince: number | null,
    atMostMs = UNCERTAIN_MS,
  ): void {
    const tooLong = waitingSince !== null && this.#clock.now() - waitingSince >= atMostMs;
    if (tooLong) this.#gone(entry);
    else this.#again(entry, retryMs, waitingSince);
  }

  /** The pool is closing: whoever is not gone after one more try is left to the server. */
  giveUp(): void {
    this.#lastTry = true;
  }

  #again(entry: Entry, retryMs: number, waitingSince: number | null = null): void {
    if (this.#lastTry) this.#gone(entry);
    else this.#clock.after(retryMs, () => this.follow(entry, retryMs, waitingSince));
  }

  #gone(entry: Entry): void {
    if (entry.state === 'ghost') this.#hooks.onGone(entry);
  }
}
