import type { AcquireReports } from './acquire-reports.js';
import type { Clock } from './clock.js';
import type { Entry, Holder } from './entry.js';
import type { PoolEvents } from './events.js';
import type { IdleList } from './idle-list.js';
import type { PoolSettings } from './options.js';
import { numberOf, type PendingCount } from './pending.js';
import { provenUntil } from './policy.js';
import type { Acquirer } from './queue.js';
import type { PoolParts, Rooms } from './rooms.js';
import type { Slots } from './slots.js';
import type { Counters } from './stats.js';
import type { PoolTrust } from './trust.js';

/**
 * The quick way through both doors, and into the queue, for what nearly every acquire and release finds: nobody listens, and the
 * connection is neither doubted, nor old, nor one too many; or all that there may be are in use. It takes no decision of its own:
 * whatever is not plain is left to the doors and the queue, which look closer and say why.
 *
 * What makes a connection plain was found when it became idle (`admitted`), and holds until a time that was known then, or until
 * something happens that decides about connections (`Slots.doubt`): the pool closes, is renewed or resized, one of them is lost.
 */
// Each of its questions is one that `policy` or `circumstances` asks as well. Here they stand side by side, because calls are
// what costs, and steps from one object to the next: through the verdicts the same way takes several times as long.
export class Turnstile {
  private readonly settings: PoolSettings;
  private readonly slots: Slots;
  private readonly idle: IdleList;
  private readonly trust: PoolTrust;
  private readonly clock: Clock;
  private readonly events: PoolEvents;
  private readonly counters: Counters;
  private readonly acquires: AcquireReports;
  private readonly rooms: Rooms;
  private readonly pending: PendingCount;
  private readonly lifo: boolean;

  constructor(parts: PoolParts, rooms: Rooms) {
    this.settings = parts.settings;
    this.slots = parts.slots;
    this.idle = parts.slots.idle;
    this.trust = parts.trust;
    this.clock = parts.clock;
    this.events = parts.events;
    this.counters = parts.counters;
    this.acquires = parts.acquires;
    this.pending = parts.pending;
    this.rooms = rooms;
    this.lifo = parts.settings.reuse === 'lifo';
  }

  /** An entry has become idle, and nothing stands against handing it out but time. */
  admit(entry: Entry): void {
    entry.plainUntil = entry.expiresAt;
    const { provenAt } = entry;
    // To be asked once holds for one hand-out only: that one is not plain.
    const proven = provenUntil({ provenAt, checked: false }, this.settings, this.trust);
    entry.provenUntil = Math.min(entry.expiresAt, proven);
  }

  /** An idle entry, leased to `holder`, for whom nobody has to wait; null = it takes a closer look to say whether there is one. */
  out(holder: Holder, mustBeProven: boolean): Entry | null {
    const entry = this.lifo ? this.idle.last : this.idle.first;
    if (entry === null || this.pending.size > 0) return null;
    const now = this.clock.recently();
    if (!(now < (mustBeProven ? entry.provenUntil : entry.plainUntil))) return null;
    if (this.events.hearsAcquire || !entry.connection?.isReady()) return null;
    this.slots.lend(entry);
    entry.lease = ++this.acquires.last;
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
    if (acquirer.timeoutMs === 0 || acquirer.sheddable || this.pending.size >= settings.maxPending)
      return false;
    if (settings.onDoubleAcquire === 'error' || rooms.supply.pausing || rooms.shutdown.begun) return false;
    if (this.events.hearsAcquire) return false;
    rooms.queue.add(acquirer);
    return true;
  }

  /** Takes an entry back on which nothing was sent. @returns false = it takes a closer look to say what becomes of it */
  back(entry: Entry): boolean {
    const now = this.clock.recently();
    if (!(now < entry.plainUntil) || this.events.hearsRelease) return false;
    return this.pending.size === 0 ? this.in(entry, now) : this.over(entry, now);
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
    if (!(now < entry.provenUntil) || this.settings.onDoubleAcquire === 'error' || this.events.hearsAcquire)
      return false;
    if (!entry.connection?.isReady()) return false;
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
}
