import type { Entry, Holder } from './entry.js';
import { numberOf, type Waiter } from './pending.js';
import { howToValidate } from './policy.js';
import type { PoolParts, Rooms } from './rooms.js';

/**
 * The quick way through both doors, for what nearly every acquire and release finds: nobody waits, nobody listens, and the
 * connection is neither doubted, nor old, nor one too many. It takes no decision of its own: whatever is not plain is left to
 * the doors, which look closer and say why.
 */
// Each of its questions is one that `policy` or `circumstances` asks as well. Here they stand side by side, because calls are
// what costs: through the verdicts the same way takes several times as long.
export class Turnstile {
  private readonly parts: PoolParts;
  private readonly rooms: Rooms;

  constructor(parts: PoolParts, rooms: Rooms) {
    this.parts = parts;
    this.rooms = rooms;
  }

  /** An idle entry, leased to `holder`, or to who waited for it; null = it takes a closer look to say whether there is one. */
  out(holder: Holder, waiter: Waiter | null, mustBeProven: boolean): Entry | null {
    const { settings, slots, trust, clock } = this.parts;
    const entry = settings.reuse === 'lifo' ? slots.idle.last : slots.idle.first;
    if (entry === null || entry.connection === null || !entry.connection.isReady()) return null;
    const now = clock.recently();
    if (now >= entry.expiresAt || this.isUnusual(entry) || this.parts.events.hearsAcquire) return null;
    if (mustBeProven && howToValidate(entry, now, settings, trust) !== null) return null;
    slots.lend(entry);
    entry.lease = waiter === null ? ++this.parts.acquires.last : numberOf(waiter);
    entry.checked = false;
    entry.holder = holder;
    entry.heldSince = now;
    this.parts.counters.acquired++;
    return entry;
  }

  /** Takes an entry back on which nothing was sent. @returns false = it takes a closer look to say what becomes of it */
  back(entry: Entry): boolean {
    const { settings, slots, clock, counters } = this.parts;
    const { counts } = slots;
    if (this.rooms.queue.size > 0 || this.isUnusual(entry) || this.parts.events.hearsRelease) return false;
    if (counts.idle >= settings.maxIdle || counts.idle + 1 < settings.minIdle) return false;
    const now = clock.recently();
    if (now >= entry.expiresAt || slots.size - counts.closing > settings.max) return false;
    counters.cleanReleases++;
    entry.holder = null;
    entry.idleSince = now;
    slots.bringBack(entry);
    return true;
  }

  /**
   * Hands an entry that comes back, and on which nothing was sent, to whoever waits next: it is not idle in between.
   *
   * @returns false = it takes a closer look to say what becomes of it
   */
  over(entry: Entry): boolean {
    const { settings, slots, clock, counters, trust, events } = this.parts;
    const { queue } = this.rooms;
    if (
      queue.size === 0 ||
      settings.onDoubleAcquire === 'error' ||
      slots.size - slots.counts.closing > settings.max
    )
      return false;
    if (this.isUnusual(entry) || events.hearsAcquire || events.hearsRelease) return false;
    if (entry.connection === null || !entry.connection.isReady()) return false;
    const now = clock.recently();
    if (now >= entry.expiresAt || howToValidate(entry, now, settings, trust) !== null) return false;
    const next = queue.take();
    if (next === null) return false;
    counters.cleanReleases++;
    counters.acquired++;
    entry.lease = numberOf(next);
    entry.checked = false;
    entry.holder = next.holder;
    entry.heldSince = now;
    next.granted(entry);
    return true;
  }

  private isUnusual(entry: Entry): boolean {
    const { trust } = this.parts;
    return (
      this.rooms.shutdown.begun || entry.generation < trust.generation || entry.session.unusable !== null
    );
  }
}
