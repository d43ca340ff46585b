import type { Clock, Timer } from './clock.js';
import type { Control } from './control.js';
import type { Entry } from './entry.js';
import type { PoolEvents } from './events.js';
import type { Lease } from './lease.js';
import { cancelled } from './refusals.js';

/** How long the KILL may take: its caller waits, and the KILL perhaps for a server that does not answer anybody. */
const KILL_MS = 1_000;
/** After an acknowledged KILL the statement's error is on its way: more than this means that something is wrong. */
const AFTER_KILL_MS = 1_000;
/** Only for a command whose end nobody reports. */
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
  readonly #timers = new Map<Entry, Timer>();

  constructor(clock: Clock, control: Control, events: PoolEvents, hooks: DrainerHooks) {
    this.#clock = clock;
    this.#control = control;
    this.#events = events;
    this.#hooks = hooks;
  }

  /** `entry` has just become `draining`. */
  drain(entry: Entry, lease: Lease, timeoutMs: number): void {
    if (timeoutMs <= 0) return this.#kill(entry, lease);
    if (lease.inFlight > 0) return this.#in(entry, timeoutMs, () => this.#kill(entry, lease));
    // A command without a statement of ours: on the raw connection, or one whose caller has had the driver's own
    // `timeout` as an answer and waits no more.
    if (entry.session.exposed)
      this.#poll(entry, this.#clock.now() + timeoutMs, () => this.#kill(entry, lease));
    else this.#kill(entry, lease);
  }

  /** The last statement of a draining lease has ended. */
  drained(entry: Entry, lease: Lease): void {
    if (entry.state !== 'draining' || lease.killed) return;
    if (isBusy(entry)) this.#poll(entry, this.#clock.now() + AFTER_KILL_MS, () => this.#kill(entry, lease));
    else this.#quiet(entry);
  }

  /** The entry has left by another way. */
  forget(entry: Entry): void {
    this.#timers.get(entry)?.cancel();
    this.#timers.delete(entry);
  }

  #kill(entry: Entry, lease: Lease): void {
    const { connection, session } = entry;
    if (!connection?.isUsable()) return this.#quiet(entry);
    lease.killed = true;
    lease.refuseWaiting();
    // Should the KILL come too late for its statement, the reset is what it would hit.
    session.changes.killed = true;
    const { threadId } = connection;
    if (this.#events.heard('kill'))
      this.#events.tell('kill', { connection: entry.id, ...entry.facts, threadId });
    this.#in(entry, KILL_MS, () => this.#stuck(entry, cancelled()));
    this.#control.killQuery(connection, entry.bornAt).then(
      () => {
        lease.abandonReadings(cancelled());
        this.#poll(entry, this.#clock.now() + AFTER_KILL_MS, () => this.#stuck(entry, cancelled()));
      },
      (error: Error) => this.#stuck(entry, cancelled(error)),
    );
  }

  #poll(entry: Entry, deadline: number, onDeadline: () => void): void {
    if (entry.state !== 'draining') return;
    if (!isBusy(entry)) return this.#quiet(entry);
    if (this.#clock.now() >= deadline) return onDeadline();
    this.#in(entry, POLL_MS, () => this.#poll(entry, deadline, onDeadline));
  }

  #in(entry: Entry, ms: number, fn: () => void): void {
    this.forget(entry);
    const due = () => {
      if (entry.state === 'draining' && this.#timers.get(entry) === timer) fn();
    };
    // After a blocked event loop the end may lie in the socket: a timer comes before it is read.
    const timer = this.#clock.after(ms, () => this.#clock.soon(due));
    this.#timers.set(entry, timer);
  }

  #quiet(entry: Entry): void {
    this.forget(entry);
    this.#hooks.onQuiet(entry);
  }

  #stuck(entry: Entry, reason: Error): void {
    this.forget(entry);
    if (entry.state === 'draining') this.#hooks.onStuck(entry, reason);
  }
}

function isBusy({ connection }: Entry): boolean {
  return connection?.isUsable() === true && connection.isBusy();
}
