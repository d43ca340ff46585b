import type { Entry, Holder } from './entry.js';
import type { Lease } from './lease.js';
import { numberOf, type Waiter } from './pending.js';
import { howToValidate, mayKeep, mayUse, whyNotBack } from './policy.js';
import type { PoolParts, Rooms } from './rooms.js';
import { HELD } from './shutdown.js';
import type { EvictReason, State } from './states.js';
import type { Turnstile } from './turnstile.js';

/** In use, or ready to be: the end of such a connection comes unasked. */
const ALIVE: ReadonlySet<State> = new Set<State>(['idle', ...HELD]);

// Functions that reach for `#private` names are longer for the engine, which puts fewer of them into one. On the way of every
// acquire and release that shows: what is private here is private to the compiler.
/** The ways of connections through a pool: the one door out is `dispense`, the one door in `takeBack` (unused: `takeBackUnused`). */
export class Doors {
  private readonly parts: PoolParts;
  private readonly rooms: Rooms;
  private readonly turnstile: Turnstile;

  constructor(parts: PoolParts, rooms: Rooms, turnstile: Turnstile) {
    this.parts = parts;
    this.rooms = rooms;
    this.turnstile = turnstile;
  }

  /** Whose turn it is. */
  get nextIdle(): Entry | null {
    const { idle } = this.parts.slots;
    return this.parts.settings.reuse === 'lifo' ? idle.last : idle.first;
  }

  /**
   * The only door out, but for the quick way through it: what is handed over has just been found usable. `waiter`: who waited for
   * it; null = nobody did.
   */
  dispense(holder: Holder, waiter: Waiter | null, mustBeProven = true): Entry | null {
    const { settings, trust } = this.parts;
    const { circumstances } = this.rooms;
    while (!circumstances.closing) {
      const entry = this.nextIdle;
      if (!entry) return null;
      const verdict = mayUse(entry, circumstances);
      if (!verdict.keep) {
        this.evict(entry, verdict.reason, verdict.detail);
        continue;
      }
      const { now } = circumstances;
      if (mustBeProven && howToValidate(entry, now, settings, trust)) return null;
      this.lease(entry, holder, now);
      entry.lease = waiter === null ? ++this.parts.acquires.last : numberOf(waiter);
      // Of a waiter the queue tells, when it has left that.
      if (waiter === null && this.parts.events.hearsAcquire) this.parts.acquires.granted(entry, null);
      return entry;
    }
    return null;
  }

  private lease(entry: Entry, holder: Holder, now: number): void {
    this.parts.slots.move(entry, 'leased');
    entry.checked = false;
    entry.holder = holder;
    entry.heldSince = now;
    this.parts.counters.acquired++;
  }

  /** The only door in, for what was used. `lease`: what was made of it. */
  takeBack(entry: Entry, lease: Lease, drainTimeoutMs: number | undefined): void {
    this.parts.counters.released++;
    entry.young = null;
    if (lease.deadlines.reported) this.parts.reporter.unleaked(lease, entry);
    // Otherwise the pool was closed over its head, or the connection was cut.
    if (entry.state !== 'leased') return;
    entry.provenAt = lease.provenAt;
    const { connection } = entry;
    if (connection?.isUsable() && (lease.inFlight > 0 || connection.isBusy())) {
      this.parts.slots.move(entry, 'draining');
      const withinMs = lease.deadlines.drainWithin(drainTimeoutMs ?? this.parts.settings.drainTimeoutMs);
      this.rooms.drainer.drain(entry, lease, withinMs);
    } else {
      this.sortOut(entry);
    }
  }

  /** The same, for what was not: nothing was sent on it, nor is anything known of it. */
  takeBackUnused(entry: Entry): void {
    this.parts.counters.released++;
    entry.young = null;
    if (entry.state !== 'leased') return;
    if (!this.turnstile.back(entry)) this.untouched(entry);
  }

  /** Its session is as it was: what may have changed is the pool. */
  private untouched(entry: Entry): void {
    const eviction = whyNotBack(entry, this.rooms.circumstances);
    if (eviction) return this.evict(entry, eviction.reason, eviction.detail);
    if (this.parts.events.hearsRelease) this.parts.reporter.released(entry, true);
    entry.holder = null;
    this.parts.counters.cleanReleases++;
    this.makeIdle(entry);
  }

  /** A quiet entry has come back: straight to the others, through a reset, or out. */
  sortOut(entry: Entry): void {
    this.rooms.drainer.forget(entry);
    // A COMMIT without an answer may have been carried out: its caller was told OUTCOME_UNKNOWN.
    if (entry.session.inTransaction && !entry.session.commitUnanswered) {
      this.parts.counters.rolledBack++;
      // One that was lost with its connection, or taken away, nobody has forgotten.
      if (entry.connection?.isUsable() && !entry.heldTooLong) this.parts.reporter.openTransaction(entry);
    }
    const verdict = mayKeep(entry, this.rooms.circumstances, this.parts.settings);
    if (verdict.act === 'evict') return this.evict(entry, verdict.reason, verdict.detail);
    this.parts.reporter.released(entry, verdict.act === 'keep');
    const whose = verdict.act === 'reset' ? entry.facts : null;
    entry.vacate();
    if (verdict.act === 'reset') return this.rooms.resetter.clean(entry, verdict, whose);
    this.parts.counters.cleanReleases++;
    this.makeIdle(entry);
  }

  opened(entry: Entry): void {
    const { connection } = entry;
    this.rooms.evictor.start();
    if (connection?.status === null) this.parts.reporter.statusHidden();
    this.makeIdle(entry);
  }

  /** Its session is as after the handshake. */
  cleaned(entry: Entry): void {
    this.parts.counters.reset++;
    entry.provenAt = this.parts.clock.now();
    this.makeIdle(entry);
  }

  validated(entry: Entry): void {
    this.parts.counters.validated++;
    this.join(entry, this.parts.settings.reuse === 'fifo');
  }

  private makeIdle(entry: Entry): void {
    entry.idleSince = this.rooms.circumstances.now;
    this.join(entry, false);
  }

  /** An entry is ready, unless the pool has changed its mind meanwhile. */
  private join(entry: Entry, first: boolean): void {
    const { slots, trust, settings } = this.parts;
    const { circumstances, queue } = this.rooms;
    if (circumstances.closing) return this.evict(entry, 'pool-closed', 'the pool is closing');
    if (entry.generation < trust.generation)
      return this.evict(entry, 'stale', 'the pool was renewed after it was opened');
    if (circumstances.overMax) return this.evict(entry, 'resized', 'max was made smaller');
    slots.move(entry, 'idle', first);
    this.turnstile.admit(entry);
    // Else nobody is to be served, and nothing to be opened.
    if (queue.size > 0 || slots.counts.idle < settings.minIdle) this.serve();
  }

  /** Something has changed for those who wait. */
  serve(): void {
    this.rooms.queue.serve();
    this.rooms.upkeep.validateSome();
    this.rooms.supply.openMore();
    this.rooms.doubles.resolve();
  }

  /** Stops using an entry: with a goodbye when it is quiet, else by cutting its socket with `cause`. */
  evict(entry: Entry, reason: EvictReason, detail: string, cause?: Error): void {
    this.parts.counters.evicted[reason]++;
    if (reason === 'lifetime') this.rooms.circumstances.aged();
    this.rooms.drainer.forget(entry);
    this.rooms.closer.close(entry, cause, () => this.evicted(entry, reason, detail));
  }

  private evicted(entry: Entry, reason: EvictReason, detail: string): void {
    // One that is taken away from its lease, or from what of it still drains, does not come back.
    this.parts.reporter.released(entry, false);
    const lease = entry.holder === null ? {} : { lease: entry.lease };
    entry.young?.grow();
    entry.vacate();
    if (reason === 'broken' && entry.session.uses === 0) this.rooms.supply.stillborn(entry, detail);
    if (this.parts.events.heard('evict'))
      this.parts.events.tell('evict', { connection: entry.id, ...lease, reason, detail });
  }

  /** The connection is gone, whatever it was doing. A leased one is sorted out when it comes back. */
  lost(entry: Entry, error: Error): void {
    entry.session.unusable ??= error.message;
    if (entry.state === 'validating') return this.rooms.renewal.foundDead(entry, error.message);
    if (ALIVE.has(entry.state)) {
      this.rooms.renewal.distrust(error.message);
      this.rooms.supply.lost();
    }
    if (entry.state === 'idle') this.evict(entry, 'broken', error.message);
    else if (entry.state === 'resetting') this.evict(entry, 'reset-failed', error.message);
    else if (entry.state === 'draining') this.sortOut(entry);
    else this.rooms.closer.finish(entry);
  }

  closed(): void {
    this.rooms.shutdown.closed();
    this.rooms.supply.openMore();
  }
}
