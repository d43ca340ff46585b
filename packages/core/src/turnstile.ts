import type { AcquireReports } from './acquire-reports.js';
import type { Clock } from './clock.js';
import type { Entry, Holder } from './entry.js';
import type { PoolEvents } from './events.js';
import type { PoolSettings } from './options.js';
import { numberOf, type Waiter } from './pending.js';
import type { Acquirer } from './queue.js';
import type { PoolParts, Rooms } from './rooms.js';
import type { Slots } from './slots.js';
import type { Counters } from './stats.js';
import type { PoolTrust } from './trust.js';

/**
 * The quick way through both doors, and into the queue, for what nearly every acquire and release finds: nobody listens, and the
 * connection is neither doubted, nor old, nor one too many; or all that there may be are in use. It takes no decision of its own:
 * whatever is not plain is left to the doors and the queue, which look closer and say why.
 */
// Each of its questions is one that `policy` or `circumstances` asks as well. Here they stand side by side, because calls are
// what costs, and steps from one object to the next: through the verdicts the same way takes several times as long.
export class Turnstile {
  private readonly settings: PoolSettings;
  private readonly slots: Slots;
  private readonly trust: PoolTrust;
  private readonly clock: Clock;
  private readonly events: PoolEvents;
  private readonly counters: Counters;
  private readonly acquires: AcquireReports;
  private readonly rooms: Rooms;

  constructor(parts: PoolParts, rooms: Rooms) {
    this.settings = parts.settings;
    this.slots = parts.slots;
    this.trust = parts.trust;
    this.clock = parts.clock;
    this.events = parts.events;
    this.counters = parts.counters;
    this.acquires = parts.acquires;
    this.rooms = rooms;
  }

  /** An idle entry, leased to `holder`, or to who waited for it; null = it takes a closer look to say whether there is one. */
  out(holder: Holder, waiter: Waiter | null, mustBeProven: boolean): Entry | null {
    const { slots } = this;
    const entry = this.settings.reuse === 'lifo' ? slots.idle.last : slots.idle.first;
    if (entry === null || entry.connection === null || !entry.connection.isReady()) return null;
    const now = this.clock.recently();
    if (this.events.hearsAcquire || this.isUnusual(entry, now)) return null;
    if (mustBeProven && !this.isProven(entry, now)) return null;
    slots.lend(entry);
    entry.lease = waiter === null ? ++this.acquires.last : numberOf(waiter);
    entry.checked = false;
    entry.holder = holder;
    entry.heldSince = now;
    this.counters.acquired++;
    return entry;
  }

  /** Lets `acquirer` wait where all connections that there may be are in use. @returns false = it takes a closer look whether it may */
  wait(acquirer: Acquirer): boolean {
    const { settings, slots, rooms } = this;
    // Then none is idle, and none can be opened; what else there is has been one too many since max was made smaller.
    if (slots.counts.leased !== settings.max) return false;
    if (acquirer.timeoutMs === 0 || acquirer.sheddable || rooms.queue.size >= settings.maxPending)
      return false;
    if (settings.onDoubleAcquire === 'error' || rooms.supply.pausing || rooms.shutdown.begun) return false;
    if (this.events.hearsAcquire) return false;
    rooms.queue.add(acquirer);
    return true;
  }

  /** Takes an entry back on which nothing was sent. @returns false = it takes a closer look to say what becomes of it */
  back(entry: Entry): boolean {
    const { slots } = this;
    const now = this.clock.recently();
    if (this.events.hearsRelease || this.isUnusual(entry, now)) return false;
    if (slots.size - slots.counts.closing > this.settings.max) return false;
    return this.rooms.queue.size > 0 ? this.over(entry, now) : this.in(entry, now);
  }

  private in(entry: Entry, now: number): boolean {
    const { settings, slots } = this;
    const { idle } = slots.counts;
    if (idle >= settings.maxIdle || idle + 1 < settings.minIdle) return false;
    this.counters.cleanReleases++;
    entry.holder = null;
    entry.idleSince = now;
    slots.bringBack(entry);
    return true;
  }

  /** Hands it to whoever waits next: it is not idle in between. */
  private over(entry: Entry, now: number): boolean {
    if (this.settings.onDoubleAcquire === 'error' || this.events.hearsAcquire) return false;
    if (entry.connection === null || !entry.connection.isReady() || !this.isProven(entry, now)) return false;
    const next = this.rooms.queue.take();
    if (next === null) return false;
    const { counters } = this;
    counters.cleanReleases++;
    counters.acquired++;
    entry.lease = numberOf(next);
    entry.checked = false;
    entry.holder = next.holder;
    entry.heldSince = now;
    next.granted(entry);
    return true;
  }

  private isUnusual(entry: Entry, now: number): boolean {
    return (
      now >= entry.expiresAt ||
      this.rooms.shutdown.begun ||
      entry.generation < this.trust.generation ||
      entry.session.unusable !== null
    );
  }

  /** It need not be asked first. */
  private isProven({ provenAt }: Entry, now: number): boolean {
    const { validate, validateAfterMs } = this.settings;
    return validate !== 'always' && now - provenAt < validateAfterMs && provenAt >= this.trust.distrustedAt;
  }
}
