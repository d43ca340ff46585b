import type { DriverConnection } from './driver.js';
import type { Linked } from './linked-list.js';
import { Session } from './session.js';
import type { State } from './states.js';

/** Who holds or wants a connection, in words for reports; read only when a report is made. */
export interface Holder {
  readonly route: string;
}

/** What an entry knows of the lease that is on it. */
export interface Holding {
  readonly holder: Holder;
  /** When it was acquired. */
  readonly since: number;
}

/** The pool's record of one connection, from the decision to open it until it is closed. */
export class Entry implements Linked<Entry> {
  /** Never reused, so that an event names one connection. */
  readonly id: number;
  /** Written by `Slots.move` alone. */
  readonly state: State = 'opening';
  readonly session = new Session();
  readonly bornAt: number;
  connection: DriverConnection | null = null;
  holding: Holding | null = null;
  /** When it came back last. */
  idleSince: number;
  /** When its lifetime is over; Infinity = never. */
  expiresAt = Number.POSITIVE_INFINITY;
  /** Neighbours in the list of idle entries. */
  previous: Entry | null = null;
  next: Entry | null = null;

  constructor(id: number, now: number) {
    this.id = id;
    this.bornAt = now;
    this.idleSince = now;
  }

  get threadId(): number | undefined {
    return this.connection?.threadId;
  }
}
