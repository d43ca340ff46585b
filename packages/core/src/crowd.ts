import type { Crowd } from './policy.js';
import type { Rooms } from './rooms.js';
import type { Slots } from './slots.js';

/** Who is there, in one pool: looked up when it is asked, since each acquire that has to wait asks. */
export class PoolCrowd implements Crowd {
  private readonly slots: Slots;
  private readonly rooms: Pick<Rooms, 'supply' | 'shutdown' | 'queue'>;

  constructor(slots: Slots, rooms: Pick<Rooms, 'supply' | 'shutdown' | 'queue'>) {
    this.slots = slots;
    this.rooms = rooms;
  }

  get closing(): boolean {
    return this.rooms.shutdown.begun;
  }

  get hopeless(): boolean {
    return this.rooms.supply.hopeless;
  }

  get backingOff(): boolean {
    return this.rooms.supply.backingOff;
  }

  get live(): number {
    return this.slots.size - this.slots.counts.closing;
  }

  get busy(): number {
    const { leased, draining, ghost } = this.slots.counts;
    return leased + draining + ghost;
  }

  get pending(): number {
    return this.rooms.queue.size;
  }

  /** Connections that may come back to serve somebody else. */
  get inUse(): number {
    const { leased, draining, resetting } = this.slots.counts;
    return leased + draining + resetting;
  }
}
