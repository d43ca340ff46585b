import { type Clock, whenSilent } from './clock.js';
import type { Control } from './control.js';
import type { Entry } from './entry.js';
import { HandbackError } from './errors.js';
import type { PoolEvents } from './events.js';
import type { Lease } from './lease.js';
import type { CancelReason } from './lease-host.js';
import { maskValues } from './mask.js';
import type { TrackedStatement } from './statement.js';

/** How long the KILL and the end of its statement may take: after that the socket is cut. */
const CANCEL_MS = 1_000;

/**
 * Stops a statement that nobody waits for any more, from outside the pool. Its lease goes on: it sends nothing until
 * the server has acknowledged the KILL, so that no other statement is hit, and until the statement has ended.
 */
export class Canceller {
  readonly #clock: Clock;
  readonly #control: Control;
  readonly #events: PoolEvents;
  readonly #onStuck: (entry: Entry, cause: Error) => void;

  constructor(
    clock: Clock,
    control: Control,
    events: PoolEvents,
    onStuck: (entry: Entry, cause: Error) => void,
  ) {
    this.#clock = clock;
    this.#control = control;
    this.#events = events;
    this.#onStuck = onStuck;
  }

  cancel(entry: Entry, lease: Lease, statement: TrackedStatement, reason: CancelReason): void {
    const { connection, session } = entry;
    if (!connection?.isUsable()) return;
    session.changes.killed = true;
    if (this.#events.heard('cancel')) {
      const text = maskValues(statement.text);
      this.#events.tell('cancel', {
        connection: entry.id,
        ...entry.facts,
        statement: text,
        reason,
      });
    }
    lease.hold();
    let waiting = true;
    /** @returns false if it comes too late */
    const answered = () => {
      const inTime = waiting;
      waiting = false;
      return inTime;
    };
    const stuck = (cause?: Error) => {
      // It may have been lost, or closed with its pool, in the meantime.
      if (entry.state === 'leased' || entry.state === 'draining') this.#onStuck(entry, notStopped(cause));
    };
    const timer = whenSilent(this.#clock, CANCEL_MS, () => {
      const silent = answered();
      if (silent || lease.isRunning(statement)) stuck();
      if (silent) lease.unhold();
    });
    this.#control.killQuery(connection, entry.bornAt).then(
      () => {
        if (!answered()) return;
        // The error that ends the statement is on its way; the timer stays for the case that it is not.
        if (!lease.isRunning(statement)) timer.cancel();
        lease.unhold();
      },
      (error: Error) => {
        if (!answered()) return;
        timer.cancel();
        stuck(error);
        lease.unhold();
      },
    );
  }
}

function notStopped(cause?: Error): HandbackError {
  const message = 'The connection was cut: a statement on it could not be stopped.';
  return new HandbackError('CONNECTION_LOST', message, cause ? { cause } : {});
}
