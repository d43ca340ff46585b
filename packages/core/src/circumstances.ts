import type { Clock } from './clock.js';
import type { PoolSettings } from './options.js';
import { type Circumstances, lifetimeSpacingMs, type Trust } from './policy.js';
import type { Queue } from './queue.js';
import type { Shutdown } from './shutdown.js';
import type { Slots } from './slots.js';

export interface CircumstancesParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly slots: Slots;
  readonly trust: Trust;
}

/**
 * How things stand in one pool: what a verdict asks is looked up then, and nothing is put together for it.
 */
// Every acquire and release comes by here: as in doors.ts, its fields are private to the compiler, not to the engine.
export class PoolCircumstances implements Circumstances {
  readonly trust: Trust;
  private readonly settings: PoolSettings;
  private readonly clock: Clock;
  private readonly slots: Slots;
  private readonly rooms: { readonly queue: Queue; readonly shutdown: Shutdown };
  /** When a connection was closed for its age last. */
  private agedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: CircumstancesParts, rooms: { readonly queue: Queue; readonly shutdown: Shutdown }) {
    this.trust = parts.trust;
    this.settings = parts.settings;
    this.clock = parts.clock;
    this.slots = parts.slots;
    this.rooms = rooms;
  }

  get now(): number {
    return this.clock.recently();
  }

  get closing(): boolean {
    return this.rooms.shutdown.begun;
  }

  get surplus(): boolean {
    return this.slots.counts.idle >= this.settings.maxIdle && this.rooms.queue.size === 0;
  }

  get overMax(): boolean {
    return this.slots.size - this.slots.counts.closing > this.settings.max;
  }

  get changing(): boolean {
    const { opening, closing } = this.slots.counts;
    return opening + closing > 0 || this.now < this.agedAt + lifetimeSpacingMs(this.settings);
  }

  /** One is being closed for its age. */
  aged(): void {
    this.agedAt = this.clock.now();
  }
}
