import type { AcquireReports } from './acquire-reports.js';
import type { Clock } from './clock.js';
import type { Entry, Holder } from './entry.js';
import type { HandbackError, HolderReport } from './errors.js';
import { waitsSince } from './moment.js';
import type { PoolSettings } from './options.js';
import { Overload } from './overload.js';
import { Pending, type PendingCount, type Waiter } from './pending.js';
import { type Crowd, mayWait, type Refusal } from './policy.js';
import type { Reporter } from './reporter.js';
import type { Counters } from './stats.js';

/** An acquire. Exactly one of `granted` and `refused` is called, unless it is withdrawn. */
export interface Acquirer extends Waiter {
  /** `entry` was dispensed to it. */
  granted(entry: Entry): void;
  refused(error: HandbackError): void;
}

export interface QueueParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly reporter: Reporter;
  readonly acquires: AcquireReports;
  readonly pending: PendingCount;
}

export interface QueueHooks {
  /** The pool's door out; of what it gives to a waiter nobody has been told. */
  dispense(holder: Holder, waiter: Waiter): Entry | null;
  /** And in, for what was dispensed in vain. */
  takeBack(entry: Entry): void;
  /** Somebody has begun to wait. */
  onWaiting(): void;
  readonly crowd: Crowd;
  lastConnectError(): Error | null;
  /** The failure to connect is all there is: no connection is in use that could come back. */
  unreachable(): boolean;
  /** There are as many connections as there can be, and none is being opened. */
  complete(): boolean;
}

/** Who gets a connection next, and who has waited long enough. */
// Every acquire that waits comes by here: as in doors.ts, its fields are private to the compiler, not to the engine.
export class Queue {
  private readonly parts: QueueParts;
  private readonly hooks: QueueHooks;
  private readonly pending: Pending<Acquirer>;
  private readonly overload: Overload;
  /** Those of whose acquire somebody is being told, that it begins or succeeds: they stand in no line meanwhile. */
  private readonly told = new Set<Acquirer>();

  constructor(parts: QueueParts, hooks: QueueHooks) {
    this.parts = parts;
    this.hooks = hooks;
    const { connectTimeoutMs, validateTimeoutMs } = parts.settings;
    // Who does not queue waits for what was on its way only: should that go to nobody, not for a holder instead.
    this.pending = new Pending(
      parts.clock,
      connectTimeoutMs + validateTimeoutMs,
      (acquirer) => this.tellRefused(acquirer, hooks.unreachable() ? 'OPEN_FAILED' : 'ACQUIRE_TIMEOUT'),
      parts.pending,
    );
    this.overload = new Overload(parts.clock, {
      oldest: () => this.pending.oldestSheddable,
      waiting: () => this.pending.sheddableSize,
      complete: () => hooks.complete(),
      shed: (isOutOfPatience) => this.shed(isOutOfPatience),
    });
  }

  get size(): number {
    return this.pending.size;
  }

  /** Whose turn it is; it has left the queue, and will be given a connection now. */
  take(): Acquirer | null {
    const first = this.pending.shift();
    if (first === null) return this.takeByTurns();
    this.overload.handedOver(false);
    return first;
  }

  private takeByTurns(): Acquirer | null {
    const { next } = this;
    if (next === null) return null;
    this.remove(next);
    this.overload.handedOver(next.sheddable);
    return next;
  }

  /** Gives `acquirer` a connection when it is its turn: none is ready now. */
  join(acquirer: Acquirer): void {
    const { acquires, settings } = this.parts;
    acquirer.place = -++acquires.last;
    if (acquires.heard && !this.tell(acquirer, () => acquires.begun(acquirer)))
      return acquires.withdrawn(acquirer);
    const refusal = mayWait(acquirer.timeoutMs, this.hooks.crowd, settings);
    if (acquirer.sheddable) this.overload.came();
    if (refusal !== null) return this.tellRefused(acquirer, refusal);
    this.pending.add(acquirer);
    this.hooks.onWaiting();
  }

  /** As `join`, where it is known that it may wait, that there is nothing to be done about it, and that nobody listens. */
  add(acquirer: Acquirer): void {
    acquirer.place = -++this.parts.acquires.last;
    this.pending.add(acquirer);
  }

  /** Who waits, in the order of arrival. */
  get waiters(): Acquirer[] {
    return this.pending.waiters;
  }

  /** Takes it out of the queue, with an error that says why. */
  refuse(acquirer: Acquirer, code: Refusal): void {
    if (this.remove(acquirer)) this.tellRefused(acquirer, code);
  }

  /** @returns false if it was not waiting */
  withdraw(acquirer: Acquirer): boolean {
    if (!this.remove(acquirer)) return this.told.delete(acquirer);
    this.parts.acquires.withdrawn(acquirer);
    return true;
  }

  /** @returns false if somebody who hears of it has called it off */
  private tell(acquirer: Acquirer, tell: () => void): boolean {
    this.told.add(acquirer);
    tell();
    return this.told.delete(acquirer);
  }

  private remove(acquirer: Acquirer): boolean {
    const wasWaiting = this.pending.remove(acquirer);
    if (wasWaiting && acquirer.sheddable && !this.pending.oldestSheddable) this.overload.emptied();
    return wasWaiting;
  }

  /** A connection has become idle. */
  serve(): void {
    for (let next = this.next; next; next = this.next) {
      const entry = this.hooks.dispense(next.holder, next);
      if (!entry) return;
      this.remove(next);
      this.handOver(entry, next);
    }
  }

  /** It has left the queue: whoever hears of this may well have the next one served. */
  private handOver(entry: Entry, acquirer: Acquirer): void {
    const { acquires } = this.parts;
    if (acquires.heard && !this.tell(acquirer, () => acquires.granted(entry, acquirer)))
      return this.hooks.takeBack(entry);
    this.overload.handedOver(acquirer.sheddable);
    acquirer.granted(entry);
  }

  private get next(): Acquirer | null {
    return this.pending.next(this.overload);
  }

  /** Those who have been overtaken for so long that waiting on would be in vain. */
  private shed(isOutOfPatience: (waiter: Acquirer) => boolean): void {
    let held: HolderReport[] | undefined;
    for (let oldest = this.pending.oldestSheddable; oldest; oldest = this.pending.oldestSheddable) {
      if (!isOutOfPatience(oldest)) return;
      held ??= this.parts.reporter.holders();
      this.remove(oldest);
      this.tellRefused(oldest, 'OVERLOADED', held);
    }
  }

  /** An attempt to open has failed: who does not queue does not wait for the next one either. */
  refuseUnqueued(): void {
    for (const acquirer of this.pending.waiters) {
      if (acquirer.timeoutMs === 0) this.refuse(acquirer, 'OPEN_FAILED');
    }
  }

  refuseAll(code: Refusal): void {
    for (let first = this.pending.first; first; first = this.pending.first) this.refuse(first, code);
  }

  private tellRefused(acquirer: Acquirer, code: Refusal, held?: HolderReport[]): void {
    const { counters, clock, reporter, acquires } = this.parts;
    if (code === 'ACQUIRE_TIMEOUT') counters.timedOut++;
    if (code === 'QUEUE_FULL' || code === 'OVERLOADED') counters.shed++;
    const pending = this.pending.size;
    const error = reporter.refusal(code, {
      owner: acquirer.holder.owner,
      waitedMs: Math.max(0, clock.now() - waitsSince(acquirer)),
      timeoutMs: acquirer.timeoutMs,
      pending,
      rate: this.overload.rate,
      retryAfterSeconds: code === 'OPEN_FAILED' ? 1 : this.overload.retryAfterSeconds(pending),
      lastConnectError: this.hooks.lastConnectError(),
      held,
    });
    acquires.refused(acquirer, error, pending);
    acquirer.refused(error);
  }
}
