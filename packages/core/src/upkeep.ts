import type { Doors } from './doors.js';
import { howToValidate, mayStayIdle, mayUse } from './policy.js';
import type { PoolParts, Rooms } from './rooms.js';

/** What is done about idle connections: they are asked whether they live, and go when there are too many, or too old ones. */
export class Upkeep {
  private readonly parts: PoolParts;
  private readonly rooms: Rooms;
  private readonly doors: Doors;

  constructor(parts: PoolParts, rooms: Rooms, doors: Doors) {
    this.parts = parts;
    this.rooms = rooms;
    this.doors = doors;
  }

  sweep(): void {
    const { slots, settings, knowledge, clock } = this.parts;
    const { circumstances } = this.rooms;
    const now = clock.now();
    const { idleLimitMs } = knowledge;
    for (const entry of slots.idle) {
      const surplus = slots.counts.idle - settings.minIdle;
      // What nobody needs is not replaced.
      const changing = surplus <= 0 && circumstances.changing;
      const verdict = mayStayIdle(entry, settings, { now, surplus, idleLimitMs, changing });
      if (!verdict.keep) this.doors.evict(entry, verdict.reason, verdict.detail);
    }
    this.rooms.supply.openMore();
  }

  /** Somebody has begun to wait: idle connections are asked whether they live, and new ones opened. */
  attend(): void {
    this.validateSome();
    this.rooms.supply.attend();
    this.rooms.doubles.resolve();
  }

  /** As many as there are waiters. */
  validateSome(): void {
    const { slots, settings, trust } = this.parts;
    const { queue, circumstances, validator } = this.rooms;
    while (slots.counts.validating < queue.size && !circumstances.closing) {
      const entry = this.doors.nextIdle;
      if (!entry) return;
      const verdict = mayUse(entry, circumstances);
      if (!verdict.keep) this.doors.evict(entry, verdict.reason, verdict.detail);
      else validator.validate(entry, howToValidate(entry, circumstances.now, settings, trust) ?? 'look');
    }
  }

  /** `max` or `maxIdle` may be smaller than before. */
  shrink(): void {
    const { slots, settings } = this.parts;
    for (const entry of slots.idle) {
      if (this.rooms.circumstances.overMax) this.doors.evict(entry, 'resized', 'max was made smaller');
      else if (slots.counts.idle > settings.maxIdle)
        this.doors.evict(entry, 'maxIdle', 'max was made smaller');
    }
    this.doors.serve();
  }
}
