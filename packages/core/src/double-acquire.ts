import { CallSite } from './call-site.js';
import { findDeadlock } from './deadlock.js';
import type { Entry, Holder } from './entry.js';
import type { PoolSettings } from './options.js';
import { lineage, type Owner } from './owner.js';
import type { Acquirer, Queue } from './queue.js';
import type { Reporter } from './reporter.js';
import type { Slots } from './slots.js';

export interface DoubleAcquireParts {
  readonly settings: PoolSettings;
  readonly slots: Slots;
  readonly reporter: Reporter;
}

/**
 * A request that holds a connection and asks for another: with enough of them at the same time all wait, and nobody gives
 * anything back. Each is reported; with the option's 'error' the one that makes the deadlock complete is refused.
 */
export class DoubleAcquire {
  readonly #parts: DoubleAcquireParts;
  readonly #queue: () => Queue;
  /** Whether the owner of any acquire is known: otherwise there is nothing to see, and nothing is paid. */
  #watching = false;

  constructor(parts: DoubleAcquireParts, queue: () => Queue) {
    this.#parts = parts;
    this.#queue = queue;
  }

  watch(): void {
    this.#watching = true;
  }

  /** `holder` asks for a connection, or has just got one without waiting. Called from within the application's call. */
  asked(holder: Holder): void {
    const { settings, reporter } = this.#parts;
    if (!this.#watching || settings.onDoubleAcquire === 'allow') return;
    const site = holder.comesBack ? null : new CallSite();
    if (site) holder.site = site;
    const owner = lineage(holder.owner).at(-1);
    const first = owner && this.#firstOf(owner, holder);
    if (!first) return;
    const second = site ?? new CallSite();
    reporter.doubleAcquire({ route: owner.route, first: String(first.site ?? ''), second: String(second) });
  }

  /** What the owner holds already, or waits for. One statement (`pool.query`) holds for as long as it takes, whoever waits. */
  #firstOf(owner: Owner, asking: Holder): Holder | null {
    const isAnother = (holder: Holder | null) =>
      holder !== null && holder !== asking && !holder.comesBack && lineage(holder.owner).includes(owner);
    const held = [...this.#parts.slots.all]
      .filter((entry) => isLeased(entry) && isAnother(entry.holder))
      .sort((a, b) => a.heldSince - b.heldSince);
    const [oldest] = held;
    if (oldest?.holder) return oldest.holder;
    if (owner.waiting === 0) return null;
    for (const { holder } of this.#queue().waiters) if (isAnother(holder)) return holder;
    return null;
  }

  /** Somebody has begun to wait, or has got one connection and waits for another. */
  resolve(): void {
    if (this.#parts.settings.onDoubleAcquire !== 'error') return;
    for (let victim = this.#victim; victim; victim = this.#victim)
      this.#queue().refuse(victim, 'DOUBLE_ACQUIRE');
  }

  get #victim(): Acquirer | null {
    const { slots, settings } = this.#parts;
    if (!this.#watching || this.#queue().size === 0 || slots.counts.leased < settings.max) return null;
    const held: Holder[] = [];
    for (const entry of slots.all) {
      const holder = isLeased(entry) ? entry.holder : null;
      if (!holder) continue;
      // Looking at those who wait is for when it may be worth it.
      if (!holder.owner?.waiting) return null;
      held.push(holder);
    }
    return findDeadlock(held, this.#queue().waiters);
  }
}

function isLeased({ state }: Entry): boolean {
  return state === 'leased';
}
