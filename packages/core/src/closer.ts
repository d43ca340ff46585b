import type { Clock, Timer } from './clock.js';
import type { Entry } from './entry.js';
import type { Ghosts } from './ghosts.js';
import type { Slots } from './slots.js';

/** How long a polite goodbye may take before the socket is cut. */
const GOODBYE_MS = 1_000;

/** Takes an entry from `closing` to `closed`: politely, or by cutting the socket, or by way of `ghost`. */
export class Closer {
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #ghosts: Ghosts;
  readonly #onClosed: () => void;
  readonly #goodbyes = new Map<Entry, Timer>();

  constructor(clock: Clock, slots: Slots, ghosts: Ghosts, onClosed: () => void) {
    this.#clock = clock;
    this.#slots = slots;
    this.#ghosts = ghosts;
    this.#onClosed = onClosed;
  }

  /**
   * Says goodbye to a quiet connection; cuts the socket of a busy one, or where a `cause` says why. `tell` is called when nobody
   * can be given it any more.
   */
  close(entry: Entry, cause?: Error, tell?: () => void): void {
    const { connection } = entry;
    // A ping leaves nothing running behind a socket that is cut.
    const wasAsked = entry.state === 'validating' && connection?.isBusy() === true;
    this.#slots.move(entry, 'closing');
    tell?.();
    if (wasAsked) return this.#drop(entry, cause ?? connectionClosed());
    if (cause || !connection?.isUsable() || connection.isBusy())
      return this.#cut(entry, cause ?? connectionClosed());
    connection.end();
    const timer = this.#clock.after(GOODBYE_MS, () => this.#cut(entry, connectionClosed()));
    this.#goodbyes.set(entry, timer);
  }

  /** The socket of a closing entry is gone. */
  finish(entry: Entry): void {
    if (entry.state !== 'closing') return;
    this.#goodbyes.get(entry)?.cancel();
    this.#goodbyes.delete(entry);
    this.#slots.move(entry, 'closed');
    this.#onClosed();
  }

  /** The thread of a ghost is gone. */
  laid(entry: Entry): void {
    this.#slots.move(entry, 'closed');
    this.#onClosed();
  }

  #cut(entry: Entry, error: Error): void {
    const { connection } = entry;
    const isCutAtWork = connection?.isUsable() === true && connection.isBusy();
    if (connection && (isCutAtWork || connection.lostAtWork)) {
      this.#slots.move(entry, 'ghost');
      connection.destroy(error);
      this.#ghosts.follow(entry);
      return;
    }
    this.#drop(entry, error);
  }

  #drop(entry: Entry, error: Error): void {
    entry.connection?.destroy(error);
    this.finish(entry);
  }
}

/** As the driver would say it: a statement that was under way may have run, and is not sent again. */
function connectionClosed(): Error {
  const message = 'The connection was closed.';
  return Object.assign(new Error(message), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
}
