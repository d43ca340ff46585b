import type { Clock } from './clock.js';
import type { Holder } from './entry.js';
import type { HandbackError } from './errors.js';
import type { Lease } from './lease.js';
import type { PoolSettings } from './options.js';
import { Pending, type Waiter } from './pending.js';
import { type Crowd, mayWait, type Refusal } from './policy.js';
import type { Reporter } from './reporter.js';
import type { Counters } from './stats.js';

/** An acquire. Exactly one of `granted` and `refused` is called, unless it is withdrawn. */
export interface Acquirer extends Waiter<Acquirer> {
  granted(lease: Lease): void;
  refused(error: HandbackError): void;
}

export interface QueueParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly reporter: Reporter;
}

export interface QueueHooks {
  /** The pool's door out. */
  dispense(holder: Holder, since: number, mustBeProven: boolean): Lease | null;
  /** Somebody has begun to wait. */
  onWaiting(): void;
  crowd(): Omit<Crowd, 'pending'>;
  lastConnectError(): Error | null;
  /** The failure to connect is all there is: no connection is in use that could come back. */
  unreachable(): boolean;
}

/** Who gets a connection next, and who has waited long enough. */
export class Queue {
  readonly #parts: QueueParts;
  readonly #hooks: QueueHooks;
  readonly #pending: Pending<Acquirer>;

  constructor(parts: QueueParts, hooks: QueueHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
    this.#pending = new Pending(parts.clock, (acquirer) =>
      this.#refuse(acquirer, hooks.unreachable() ? 'OPEN_FAILED' : 'ACQUIRE_TIMEOUT'),
    );
  }

  get size(): number {
    return this.#pending.size;
  }

  /** A connection that is ready now, if it is nobody else's turn; `mustBeProven` = one that need not be asked first. */
  tryLend(holder: Holder, mustBeProven = true): Lease | null {
    if (this.#pending.size > 0) return null;
    return this.#hooks.dispense(holder, this.#parts.clock.now(), mustBeProven);
  }

  /** Gives `acquirer` a connection: now, if one is ready, else when it is its turn. */
  lend(acquirer: Acquirer): void {
    const lease = this.tryLend(acquirer.holder);
    if (lease) return acquirer.granted(lease);
    const now = this.#parts.clock.now();
    const { timeoutMs } = acquirer;
    acquirer.since = now;
    const { closing, hopeless, backingOff, live, busy } = this.#hooks.crowd();
    // Not by a spread: V8 gives such a copy a hidden class of its own, each time.
    const crowd = { closing, hopeless, backingOff, live, busy, pending: this.#pending.size };
    const refusal = mayWait(timeoutMs, crowd, this.#parts.settings);
    if (refusal) return this.#refuse(acquirer, refusal);
    this.#pending.add(acquirer, now, timeoutMs === 0 ? this.#unqueuedMs : timeoutMs);
    this.#hooks.onWaiting();
  }

  /** Who does not queue waits for what was on its way only: should that go to nobody, not for a holder instead. */
  get #unqueuedMs(): number {
    const { connectTimeoutMs, validateTimeoutMs } = this.#parts.settings;
    return connectTimeoutMs + validateTimeoutMs;
  }

  /** Who waits, in order. */
  get waiters(): Iterable<Acquirer> {
    return this.#pending.waiters();
  }

  /** Takes it out of the queue, with an error that says why. */
  refuse(acquirer: Acquirer, code: Refusal): void {
    if (this.#pending.remove(acquirer)) this.#refuse(acquirer, code);
  }

  /** @returns false if it was not waiting */
  withdraw(acquirer: Acquirer): boolean {
    return this.#pending.remove(acquirer);
  }

  /** A connection has become idle. */
  serve(): void {
    for (let first = this.#pending.first; first; first = this.#pending.first) {
      const lease = this.#hooks.dispense(first.holder, first.since, true);
      if (!lease) return;
      // A listener that heard of the hand-over may have called the waiter off.
      if (this.#pending.remove(first)) first.granted(lease);
      else lease.release();
    }
  }

  /** An attempt to open has failed: who does not queue does not wait for the next one either. */
  refuseUnqueued(): void {
    for (const acquirer of this.#pending.waiters()) {
      if (acquirer.timeoutMs === 0 && this.#pending.remove(acquirer)) this.#refuse(acquirer, 'OPEN_FAILED');
    }
  }

  refuseAll(code: Refusal): void {
    for (let first = this.#pending.first; first; first = this.#pending.first) {
      this.#pending.remove(first);
      this.#refuse(first, code);
    }
  }

  #refuse(acquirer: Acquirer, code: Refusal): void {
    const { counters, clock, reporter } = this.#parts;
    if (code === 'ACQUIRE_TIMEOUT') counters.timedOut++;
    if (code === 'QUEUE_FULL') counters.shed++;
    const error = reporter.refusal(code, {
      route: acquirer.holder.route,
      owner: acquirer.holder.owner,
      waitedMs: clock.now() - acquirer.since,
      timeoutMs: acquirer.timeoutMs,
      pending: this.#pending.size,
      lastConnectError: this.#hooks.lastConnectError(),
    });
    acquirer.refused(error);
  }
}
