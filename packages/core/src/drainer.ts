import type { Clock } from './clock.js';
import type { Control } from './control.js';
import type { Entry } from './entry.js';
import { HandbackError } from './errors.js';
import type { PoolEvents } from './events.js';
import type { Lease } from './lease.js';

/** After an acknowledged KILL the statement's error is on its way: more than this means that something is wrong. */
const AFTER_KILL_MS = 1_000;
/** Only for a command that the driver runs without an answer to wait for. */
const POLL_MS = 20;

export interface DrainerHooks {
  /** The entry is quiet: it may be cleaned. */
  onQuiet(entry: Entry): void;
  /** It can't be made quiet: its socket must be cut. */
  onStuck(entry: Entry, reason: Error): void;
}

/** Waits for what still runs on a connection that was given back, then kills it. */
export class Drainer {
  readonly #clock: Clock;
  readonly #control: Control;
  readonly #events: PoolEvents;
  readonly #hooks: DrainerHooks;

  constructor(clock: Clock, control: Control, events: PoolEvents, hooks: DrainerHooks) {
    this.#clock = clock;
    this.#control = control;
    this.#events = events;
    this.#hooks = hooks;
  }

  /** `entry` has just become `draining`. */
  drain(entry: Entry, lease: Lease, timeoutMs: number): void {
    if (timeoutMs <= 0) return this.#kill(entry, lease);
    if (lease.inFlight === 0) {
      // A command without a statement of ours: on the raw connection, or one whose caller has had the driver's
      // own `timeout` as an answer and waits no more.
      if (!entry.session.exposed) return this.#kill(entry, lease);
      this.#poll(entry, lease, this.#clock.now() + timeoutMs);
    }
    this.#clock.after(timeoutMs, () => {
      if (entry.state === 'draining' && entry.holding === lease) this.#kill(entry, lease);
    });
  }

  /** The last statement of a draining lease has ended. */
  drained(entry: Entry): void {
    if (entry.state !== 'draining' || (entry.holding as Lease | null)?.killed) return;
    if (isBusy(entry)) this.#poll(entry, entry.holding as Lease, this.#clock.now() + AFTER_KILL_MS);
    else this.#hooks.onQuiet(entry);
  }

  #kill(entry: Entry, lease: Lease): void {
    const { connection } = entry;
    if (!connection?.isUsable()) return this.#hooks.onQuiet(entry);
    lease.killed = true;
    this.#events.tell('kill', {
      connection: entry.id,
      threadId: connection.threadId,
      route: lease.holder.route,
    });
    this.#control.killQuery(connection).then(
      () => {
        lease.abandonReadings(cancelled());
        this.#poll(entry, lease, this.#clock.now() + AFTER_KILL_MS);
      },
      (error: Error) => {
        if (entry.state === 'draining') this.#hooks.onStuck(entry, cancelled(error));
      },
    );
  }

  /** For a command whose end nobody reports. After an acknowledged KILL it is a round trip away. */
  #poll(entry: Entry, lease: Lease, deadline: number): void {
    if (entry.state !== 'draining') return;
    if (!isBusy(entry)) return this.#hooks.onQuiet(entry);
    if (this.#clock.now() < deadline) {
      this.#clock.after(POLL_MS, () => this.#poll(entry, lease, deadline));
    } else if (lease.killed) {
      this.#hooks.onStuck(entry, cancelled());
    }
  }
}

function isBusy({ connection }: Entry): boolean {
  return connection?.isUsable() === true && connection.isBusy();
}

function cancelled(cause?: Error): HandbackError {
  return new HandbackError(
    'QUERY_CANCELLED',
    'The statement outlived its request by more than drainTimeoutMs and was cancelled.',
    cause ? { cause } : {},
  );
}
