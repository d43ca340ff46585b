import type { Clock } from './clock.js';
import type { Doors } from './doors.js';
import type { Entry, Holder } from './entry.js';
import type { ErrorClass } from './error-classes.js';
import { HandbackError } from './errors.js';
import { Lease } from './lease.js';
import { LeaseHandle } from './lease-handle.js';
import type { CancelReason, LeaseHost } from './lease-host.js';
import { firstDueMs, LimitsBook } from './lease-limits.js';
import { pinsOf } from './proxy.js';
import type { Dialect } from './queryable.js';
import type { Retry } from './retries.js';
import type { PoolParts, Rooms } from './rooms.js';
import type { TrackedStatement } from './statement.js';
import { isStored, tagOf } from './statement-tag.js';
import { YOUNG_MS } from './watch.js';

/** Makes leases of the entries that were dispensed, and is what they know of their pool. */
export class Landlord implements LeaseHost {
  readonly dialect: Dialect;
  readonly clock: Clock;
  private readonly parts: PoolParts;
  private readonly rooms: Rooms;
  private readonly doors: Doors;
  private readonly limits: LimitsBook;
  /** Something falls due on them before they are looked at. */
  private readonly growAtOnce: boolean;

  constructor(parts: PoolParts, rooms: Rooms, doors: Doors, dialect: Dialect) {
    this.parts = parts;
    this.rooms = rooms;
    this.doors = doors;
    this.dialect = dialect;
    this.clock = parts.clock;
    this.limits = new LimitsBook(parts.settings);
    this.growAtOnce = firstDueMs(parts.settings) < YOUNG_MS;
  }

  get marks(): boolean {
    const { settings, knowledge } = this.parts;
    return settings.tag || knowledge.behindProxy;
  }

  mark(statement: TrackedStatement, holder: Holder): void {
    const { settings, knowledge, reporter } = this.parts;
    if (settings.tag && !isStored(statement)) statement.tag = tagOf(holder, statement.prepared);
    if (!knowledge.behindProxy) return;
    for (const what of pinsOf(statement)) reporter.pinned(holder.route, what);
  }

  get acquireTimeoutMs(): number {
    return this.parts.settings.acquireTimeoutMs;
  }

  get closing(): boolean {
    return this.rooms.circumstances.closing;
  }

  /** For the application, of an entry that was just dispensed: whether it is used at all is yet to be seen. */
  handle(entry: Entry): LeaseHandle {
    const handle = new LeaseHandle(this, entry);
    entry.young = handle;
    if (this.growAtOnce) handle.grow();
    else this.rooms.watch.expectYoung(entry.heldSince);
    return handle;
  }

  furnish(entry: Entry): Lease {
    const { holder } = entry;
    if (!holder) throw new Error(`Connection ${entry.id} was furnished for nobody`);
    entry.session.beginLease();
    const lease = new Lease(this, entry, holder, this.limits.of(holder));
    entry.holding = lease.deadlines;
    lease.deadlines.expect();
    return lease;
  }

  takeBackUnused(entry: Entry): void {
    this.doors.takeBackUnused(entry);
  }

  takeBack(entry: Entry, lease: Lease, drainTimeoutMs: number | undefined): void {
    this.doors.takeBack(entry, lease, drainTimeoutMs);
  }

  drained(entry: Entry, lease: Lease): void {
    this.rooms.drainer.drained(entry, lease);
  }

  expectDue(at: number, awaited: boolean): void {
    this.rooms.watch.expect(at, awaited);
  }

  failed(entry: Entry, of: ErrorClass): void {
    this.rooms.renewal.failed(entry, of);
  }

  cancel(entry: Entry, lease: Lease, statement: TrackedStatement, reason: CancelReason): void {
    if (reason === 'timeout') this.parts.counters.queryTimedOut++;
    this.rooms.canceller.cancel(entry, lease, statement, reason);
  }

  silent(entry: Entry): void {
    if (entry.state !== 'leased') return;
    const detail = 'it did not answer within queryTimeoutMs';
    this.doors.evict(entry, 'broken', detail, new HandbackError('CONNECTION_LOST', detail));
  }

  leaked(entry: Entry, lease: Lease): void {
    this.parts.counters.leaked++;
    // Of what comes back with its answer no stack is ever captured.
    const { holder } = entry;
    if (holder && !holder.site && !holder.comesBack) this.parts.stacks.missed();
    this.parts.reporter.leaked(lease.deadlines, entry);
  }

  forgotten(entry: Entry): void {
    this.parts.reporter.forgotten(entry);
  }

  resent(): void {
    this.parts.counters.retried++;
  }

  retrying(entry: Entry, _lease: Lease, retry: Retry): void {
    this.parts.counters.retriedTransactions++;
    const { events } = this.parts;
    if (events.heard('retry')) events.tell('retry', { connection: entry.id, ...entry.facts, ...retry });
  }
}
