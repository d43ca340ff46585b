import type { Lease } from './lease.js';
import { STILL_RUNS } from './lease-deadlines.js';
import type { LeaseOwner } from './lease-host.js';
import type { Lifecycle } from './lifecycle.js';

/**
 * One connection in the hands of one scope: whether it goes back when it is unused, before the end, and why it has not
 * come back, when that is asked.
 */
export class Tenure implements LeaseOwner {
  readonly #life: Lifecycle;
  readonly #lease: Lease;

  constructor(life: Lifecycle, lease: Lease) {
    this.#life = life;
    this.#lease = lease;
  }

  unused(): void {
    if (this.#isDue && this.#needed === null) this.#life.handBackUnused();
  }

  /** By default only a response that lasts gives its connection back; it may have become one just now. */
  get #isDue(): boolean {
    const { settings, isLongLived } = this.#life.context;
    return settings.idleHandBackMs !== undefined || isLongLived === true;
  }

  /** What would be lost with the connection; null = nothing. */
  get #needed(): string | null {
    const { session, hasUnreadInsertId, inFlight, usable } = this.#lease;
    if (this.#life.functions > 0) return 'a transaction(fn) has not settled';
    if (inFlight > 0) return STILL_RUNS;
    if (!usable) return 'it was lost';
    if (session.inTransaction) return 'a transaction is open';
    if (session.exposed) return 'connection() was called';
    if (!session.holdsNothing) return 'the session was changed';
    return hasUnreadInsertId ? 'LAST_INSERT_ID() may still be asked for' : null;
  }

  get whyHeld(): string {
    const needed = this.#needed;
    const facts = [this.#life.over.inWords, ...(needed === null ? [] : [needed])].join(', and ');
    return this.#life.hasEnded
      ? `${facts}.`
      : `${facts}. ${needed === null ? HINT : `When that is over, ${HINT}`}`;
  }
}

const HINT = 'db.release() hands it back between uses, or by itself the option idleHandBackMs.';
