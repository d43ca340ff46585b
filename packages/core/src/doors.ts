import type { Canceller } from './canceller.js';
import type { Clock } from './clock.js';
import type { Closer } from './closer.js';
import type { DoubleAcquire } from './double-acquire.js';
import type { Drainer } from './drainer.js';
import type { Entry, Holder } from './entry.js';
import type { ErrorClass } from './error-classes.js';
import { HandbackError } from './errors.js';
import type { PoolEvents } from './events.js';
import type { Evictor } from './evictor.js';
import type { Knowledge } from './knowledge.js';
import { Lease } from './lease.js';
import type { CancelReason, LeaseHost } from './lease-host.js';
import { limitsOf } from './lease-limits.js';
import type { PoolSettings } from './options.js';
import { howToValidate, lifetimeSpacingMs, mayKeep, mayStayIdle, mayUse, type Trust } from './policy.js';
import type { Dialect } from './queryable.js';
import type { Queue } from './queue.js';
import type { Renewal } from './renewal.js';
import type { Reporter } from './reporter.js';
import type { Resetter } from './resetter.js';
import type { Retry } from './retries.js';
import { HELD, type Shutdown } from './shutdown.js';
import type { Slots } from './slots.js';
import type { TrackedStatement } from './statement.js';
import type { EvictReason, State } from './states.js';
import type { Counters } from './stats.js';
import type { Supply } from './supply.js';
import type { Validator } from './validator.js';
import type { Watch } from './watch.js';

export interface DoorsParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly events: PoolEvents;
  readonly slots: Slots;
  readonly counters: Counters;
  readonly dialect: Dialect;
  readonly knowledge: Knowledge;
  readonly trust: Trust;
  readonly reporter: Reporter;
}

/** Where entries stay between the doors, and who looks after them there. Each calls back, so they come later. */
export interface Rooms {
  queue: Queue;
  doubles: DoubleAcquire;
  validator: Validator;
  drainer: Drainer;
  resetter: Resetter;
  closer: Closer;
  supply: Supply;
  renewal: Renewal;
  canceller: Canceller;
  watch: Watch;
  evictor: Evictor;
  shutdown: Shutdown;
}

/** In use, or ready to be: the end of such a connection comes unasked. */
const ALIVE: ReadonlySet<State> = new Set<State>(['idle', ...HELD]);

/** The ways of connections through a pool: the one door out is `dispense`, the one door in `takeBack`. */
export class Doors implements LeaseHost {
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly #parts: DoorsParts;
  readonly #rooms: Rooms;
  /** When a connection was closed for its age last. */
  #agedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: DoorsParts, rooms: Rooms) {
    this.#parts = parts;
    this.#rooms = rooms;
    this.dialect = parts.dialect;
    this.clock = parts.clock;
  }

  get acquireTimeoutMs(): number {
    return this.#parts.settings.acquireTimeoutMs;
  }

  get closing(): boolean {
    return this.#rooms.shutdown.begun;
  }

  get #isChanging(): boolean {
    const { slots, settings } = this.#parts;
    const { opening, closing } = slots.counts;
    return opening + closing > 0 || this.clock.now() < this.#agedAt + lifetimeSpacingMs(settings);
  }

  get #nextIdle(): Entry | null {
    const { idle } = this.#parts.slots;
    return this.#parts.settings.reuse === 'lifo' ? idle.last : idle.first;
  }

  /** The only door out: what is handed over has just been found usable. */
  dispense(holder: Holder, since: number, mustBeProven = true): Lease | null {
    while (!this.#rooms.shutdown.begun) {
      const entry = this.#nextIdle;
      if (!entry) return null;
      const now = this.#parts.clock.now();
      const verdict = mayUse(entry, { now, trust: this.#parts.trust, changing: this.#isChanging });
      if (!verdict.keep) {
        this.evict(entry, verdict.reason, verdict.detail);
        continue;
      }
      if (mustBeProven && howToValidate(entry, now, this.#parts.settings, this.#parts.trust)) return null;
      this.#parts.slots.move(entry, 'leased');
      entry.checked = false;
      entry.session.beginLease();
      const lease = new Lease(this, entry, holder, now, limitsOf(holder, this.#parts.settings));
      entry.holding = lease;
      this.#parts.counters.acquired++;
      if (this.#parts.events.heard('acquire')) {
        this.#parts.events.tell('acquire', {
          connection: entry.id,
          route: holder.route,
          waitedMs: now - since,
        });
      }
      return lease;
    }
    return null;
  }

  /** The only door in. */
  takeBack(entry: Entry, lease: Lease, drainTimeoutMs: number | undefined): void {
    this.#parts.counters.released++;
    if (lease.reported) this.#parts.reporter.unleaked(lease, entry);
    // Otherwise the pool was closed over its head, or the connection was cut.
    if (entry.state !== 'leased') return;
    entry.provenAt = lease.provenAt;
    const { connection } = entry;
    if (connection?.isUsable() && (lease.inFlight > 0 || connection.isBusy())) {
      this.#parts.slots.move(entry, 'draining');
      const withinMs = lease.drainWithin(drainTimeoutMs ?? this.#parts.settings.drainTimeoutMs);
      this.#rooms.drainer.drain(entry, lease, withinMs);
    } else {
      this.sortOut(entry);
    }
  }

  drained(entry: Entry, lease: Lease): void {
    this.#rooms.drainer.drained(entry, lease);
  }

  /** A quiet entry has come back: straight to the others, through a reset, or out. */
  sortOut(entry: Entry): void {
    this.#rooms.drainer.forget(entry);
    // A COMMIT without an answer may have been carried out: its caller was told OUTCOME_UNKNOWN.
    if (entry.session.inTransaction && !entry.session.commitUnanswered) {
      this.#parts.counters.rolledBack++;
      // One that was lost with its connection, or taken away, nobody has forgotten.
      if (entry.connection?.isUsable() && !entry.heldTooLong) this.#parts.reporter.openTransaction(entry);
    }
    const verdict = mayKeep(
      entry,
      {
        now: this.#parts.clock.now(),
        closing: this.#rooms.shutdown.begun,
        surplus:
          this.#rooms.queue.size === 0 && this.#parts.slots.counts.idle >= this.#parts.settings.maxIdle,
        overMax: this.#isOverMax,
        trust: this.#parts.trust,
        changing: this.#isChanging,
      },
      this.#parts.settings,
    );
    this.#parts.reporter.released(entry, verdict.act === 'keep');
    entry.holding = null;
    if (verdict.act === 'evict') return this.evict(entry, verdict.reason, verdict.detail);
    if (verdict.act === 'reset') return this.#rooms.resetter.clean(entry, verdict.how, verdict.why);
    this.#parts.counters.cleanReleases++;
    this.#makeIdle(entry);
  }

  opened(entry: Entry): void {
    const { connection } = entry;
    this.#rooms.evictor.start();
    if (connection?.status === null) this.#parts.reporter.statusHidden();
    this.#makeIdle(entry);
  }

  #makeIdle(entry: Entry): void {
    entry.idleSince = this.#parts.clock.now();
    this.#join(entry, false);
  }

  /** An entry is ready, unless the pool has changed its mind meanwhile. */
  #join(entry: Entry, first: boolean): void {
    const { slots, trust } = this.#parts;
    if (this.#rooms.shutdown.begun) return this.evict(entry, 'pool-closed', 'the pool is closing');
    if (entry.generation < trust.generation)
      return this.evict(entry, 'stale', 'the pool was renewed after it was opened');
    if (this.#isOverMax) return this.evict(entry, 'resized', 'max was made smaller');
    slots.move(entry, 'idle', first);
    this.serve();
  }

  /** Something has changed for those who wait. */
  serve(): void {
    this.#rooms.queue.serve();
    this.#validateSome();
    this.#rooms.supply.openMore();
    this.#rooms.doubles.resolve();
  }

  /** Stops using an entry: with a goodbye when it is quiet, else by cutting its socket with `cause`. */
  evict(entry: Entry, reason: EvictReason, detail: string, cause?: Error): void {
    this.#parts.counters.evicted[reason]++;
    if (reason === 'lifetime') this.#agedAt = this.clock.now();
    this.#rooms.drainer.forget(entry);
    // One that is taken away from its lease, or from what of it still drains, does not come back.
    this.#parts.reporter.released(entry, false);
    entry.holding = null;
    if (reason === 'broken' && entry.session.uses === 0) this.#rooms.supply.stillborn(entry, detail);
    if (this.#parts.events.heard('evict'))
      this.#parts.events.tell('evict', { connection: entry.id, reason, detail });
    this.#rooms.closer.close(entry, cause);
  }

  /** The connection is gone, whatever it was doing. A leased one is sorted out when it comes back. */
  lost(entry: Entry, error: Error): void {
    entry.session.unusable ??= error.message;
    if (entry.state === 'validating') return this.#rooms.renewal.foundDead(entry, error.message);
    if (ALIVE.has(entry.state)) {
      this.#rooms.renewal.distrust(error.message);
      this.#rooms.supply.lost();
    }
    if (entry.state === 'idle') this.evict(entry, 'broken', error.message);
    else if (entry.state === 'resetting') this.evict(entry, 'reset-failed', error.message);
    else if (entry.state === 'draining') this.sortOut(entry);
    else this.#rooms.closer.finish(entry);
  }

  closed(): void {
    this.#rooms.shutdown.closed();
    this.#rooms.supply.openMore();
  }

  sweep(): void {
    const now = this.#parts.clock.now();
    const { idleLimitMs } = this.#parts.knowledge;
    for (const entry of this.#parts.slots.idle) {
      const surplus = this.#parts.slots.counts.idle - this.#parts.settings.minIdle;
      // What nobody needs is not replaced.
      const changing = surplus <= 0 && this.#isChanging;
      const verdict = mayStayIdle(entry, now, this.#parts.settings, { surplus, idleLimitMs, changing });
      if (!verdict.keep) this.evict(entry, verdict.reason, verdict.detail);
    }
    this.#rooms.supply.openMore();
  }

  /** Somebody has begun to wait: idle connections are asked whether they live, and new ones opened. */
  attend(): void {
    this.#validateSome();
    this.#rooms.supply.attend();
    this.#rooms.doubles.resolve();
  }

  /** As many as there are waiters. */
  #validateSome(): void {
    const now = this.#parts.clock.now();
    while (this.#parts.slots.counts.validating < this.#rooms.queue.size && !this.#rooms.shutdown.begun) {
      const entry = this.#nextIdle;
      if (!entry) return;
      const verdict = mayUse(entry, { now, trust: this.#parts.trust, changing: this.#isChanging });
      if (!verdict.keep) this.evict(entry, verdict.reason, verdict.detail);
      else
        this.#rooms.validator.validate(
          entry,
          howToValidate(entry, now, this.#parts.settings, this.#parts.trust) ?? 'look',
        );
    }
  }

  validated(entry: Entry): void {
    this.#parts.counters.validated++;
    this.#join(entry, this.#parts.settings.reuse === 'fifo');
  }

  /** `max` or `maxIdle` may be smaller than before. */
  shrink(): void {
    const { slots, settings } = this.#parts;
    for (const entry of slots.idle) {
      if (this.#isOverMax) this.evict(entry, 'resized', 'max was made smaller');
      else if (slots.counts.idle > settings.maxIdle) this.evict(entry, 'maxIdle', 'max was made smaller');
    }
    this.serve();
  }

  /** Its session is as after the handshake. */
  cleaned(entry: Entry): void {
    this.#parts.counters.reset++;
    entry.provenAt = this.clock.now();
    this.#makeIdle(entry);
  }

  failed(entry: Entry, of: ErrorClass): void {
    this.#rooms.renewal.failed(entry, of);
  }

  get #isOverMax(): boolean {
    return this.#parts.slots.size - this.#parts.slots.counts.closing > this.#parts.settings.max;
  }

  expectDue(at: number, awaited: boolean): void {
    this.#rooms.watch.expect(at, awaited);
  }

  cancel(entry: Entry, lease: Lease, statement: TrackedStatement, reason: CancelReason): void {
    if (reason === 'timeout') this.#parts.counters.queryTimedOut++;
    this.#rooms.canceller.cancel(entry, lease, statement, reason);
  }

  silent(entry: Entry): void {
    if (entry.state !== 'leased') return;
    const detail = 'it did not answer within queryTimeoutMs';
    this.evict(entry, 'broken', detail, new HandbackError('CONNECTION_LOST', detail));
  }

  leaked(entry: Entry, lease: Lease): void {
    this.#parts.counters.leaked++;
    this.#parts.reporter.leaked(lease, entry);
  }

  forgotten(entry: Entry): void {
    this.#parts.reporter.forgotten(entry);
  }

  resent(): void {
    this.#parts.counters.retried++;
  }

  retrying(entry: Entry, lease: Lease, retry: Retry): void {
    this.#parts.counters.retriedTransactions++;
    if (this.#parts.events.heard('retry'))
      this.#parts.events.tell('retry', { connection: entry.id, route: lease.holder.route, ...retry });
  }
}
