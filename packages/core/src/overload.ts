import type { Clock, Timer } from './clock.js';
import { type Came, waitsSince } from './moment.js';
import type { ServingOrder } from './pending.js';

/** The shortest interval that is judged, in ms. */
export const INTERVAL_MS = 100;
/** Fewer hand-overs say nothing yet: then the interval goes on. */
const LEAST_HAND_OVERS = 20;
/** A timer that fires later than this was kept from it by a blocked event loop. */
const BLOCKED_MS = 100;
/** More than twice as many as were served is a burst: how large it is says nothing of what comes after it. */
const MOST_GROWTH = 1;
/** What a line forgets of its surplus in each interval: that of clients who only come back when they are answered. */
const FORGOTTEN = 0.05;
/** In intervals of service: from here on the line stands, ... */
const STANDING = 1.5;
/** ... and from here on waiting would only be in vain. */
const HOPELESS = 5;
/** How long somebody may be overtaken before he is refused, in intervals, ... */
const PATIENCE = 5;
/** ... and at most this part of his time, so that he is told before it is over. */
const PATIENCE_SHARE = 0.75;
/** A line that has become so long, in parts of the acquire deadline, and still grows, stands as well: however slowly it grew, ... */
const LONG_SHARE = 0.5;
/** ... by this part at least, since one interval says little; or else it can't be served within the deadline. */
const LONG_GROWTH = 0.1;
/** How much the last interval counts for the measured rate. */
const NEWEST_SHARE = 0.3;
/** In seconds: no forecast reaches further. */
const LONGEST_RETRY_AFTER = 60;

/** Who has waited longest of those that are sheddable. */
export interface Oldest extends Came {
  readonly timeoutMs: number;
}

export interface OverloadHooks {
  /** null = nobody waits who could be shed. */
  oldest(): Oldest | null;
  /** How many wait who could be shed. */
  waiting(): number;
  /** The pool has all the connections that it can have: the line is not there because they are being opened. */
  complete(): boolean;
  /** Refuses the oldest, as long as it is out of patience. */
  shed(isOutOfPatience: (waiter: Oldest) => boolean): void;
}

/**
 * Whether the line of those who may be shed stands. Once an interval it sets who came against who was served. The surplus
 * adds up, in intervals of service; it is forgotten when nobody waits. A burst does not make a line stand, nor do
 * clients who wait for their answer before they come again.
 */
export class Overload implements ServingOrder {
  newestFirst = false;
  turn: 'steady' | 'sheddable' | null = null;
  /** Hand-overs a second, of late; 0 = not known. */
  rate = 0;
  readonly #clock: Clock;
  readonly #hooks: OverloadHooks;
  #timer: Timer | null = null;
  #dueAt = 0;
  /** This interval. */
  #begunAt = 0;
  #came = 0;
  #served = 0;
  #handedOver = 0;
  /** At the end of the last one the oldest had waited too long. */
  #wasLate = false;
  #surplus = 0;
  /** Since when whoever waits may have been overtaken. */
  #patientSince = 0;
  /** For how long somebody may be overtaken at most, in ms; 0 = nobody is refused. */
  #patience = 0;
  /** How many waited when the line had become long; 0 = it is not. */
  #longLine = 0;

  constructor(clock: Clock, hooks: OverloadHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** One who may be shed has joined the line, or was turned away from it. */
  came(): void {
    this.#came++;
    if (this.#timer) return;
    const now = this.#clock.now();
    this.#begin(now);
    this.#tickAt(now + INTERVAL_MS, now);
  }

  /** Somebody who has waited gets a connection. */
  handedOver(sheddable: boolean): void {
    this.#handedOver++;
    if (sheddable) this.#served++;
    if (this.turn !== null) this.turn = sheddable ? 'steady' : 'sheddable';
  }

  /** Nobody who may be shed waits any more. */
  emptied(): void {
    this.#wasLate = false;
    this.#surplus = 0;
    this.#serveInOrder();
  }

  /** Whole seconds until as many as wait now will have been served; spread, so that those refused together don't come back together. */
  retryAfterSeconds(pending: number): number {
    if (this.rate === 0) return 1;
    const seconds = Math.ceil((pending / this.rate) * (1 + this.#clock.random()));
    return Math.min(LONGEST_RETRY_AFTER, Math.max(1, seconds));
  }

  #begin(now: number): void {
    this.#begunAt = now;
    this.#came = 0;
    this.#served = 0;
    this.#handedOver = 0;
  }

  #tickAt(at: number, now: number): void {
    this.#dueAt = at;
    this.#timer = this.#clock.after(at - now, () => this.#tick());
  }

  #tick(): void {
    this.#timer = null;
    const oldest = this.#hooks.oldest();
    if (!oldest) return this.#rest();
    const now = this.#clock.now();
    const blocked = now - this.#dueAt > BLOCKED_MS;
    this.#tickAt(now + INTERVAL_MS, now);
    if (blocked || !this.#hooks.complete()) return this.#excuse(now);
    if (this.#handedOver >= LEAST_HAND_OVERS) this.#judge(oldest, now);
    // An interval may be longer than what is left of somebody's time.
    if (this.#patience > 0) this.#shed(now, this.#patience);
  }

  /** Nobody waits: what was measured would be old when somebody does. */
  #rest(): void {
    this.rate = 0;
    this.#serveInOrder();
  }

  /** The time that has passed is nobody's who waits. */
  #excuse(now: number): void {
    this.#patientSince = now;
    this.#begin(now);
  }

  #judge(oldest: Oldest, now: number): void {
    const interval = now - this.#begunAt;
    const grew = this.#came > this.#served;
    const waited = now - waitsSince(oldest);
    const isLate = waited > interval / 2;
    const stands = isLate && this.#wasLate;
    this.#measure(interval);
    if (this.#isTooLong(stands ? waited : 0, oldest) && grew) this.#surplus = HOPELESS;
    this.#wasLate = isLate;
    this.#begin(now);
    if (!stands || this.#surplus < STANDING) return this.#serveInOrder();
    if (this.turn === null) {
      this.turn = 'steady';
      this.#patientSince = now;
    }
    this.newestFirst = grew;
    this.#patience = grew && this.#surplus >= HOPELESS ? interval * PATIENCE : 0;
  }

  #isTooLong(waited: number, { timeoutMs }: Oldest): boolean {
    const waiting = this.#hooks.waiting();
    if (waited <= timeoutMs * LONG_SHARE) this.#longLine = 0;
    else if (this.#longLine === 0) this.#longLine = waiting;
    if (this.#longLine === 0) return false;
    const msToServe = (waiting / this.rate) * 1_000;
    return waiting > this.#longLine * (1 + LONG_GROWTH) || msToServe > timeoutMs;
  }

  #measure(interval: number): void {
    const rate = (this.#handedOver / interval) * 1_000;
    this.rate = this.rate === 0 ? rate : this.rate + (rate - this.rate) * NEWEST_SHARE;
    const growth = (this.#came - this.#served) / Math.max(1, this.#served);
    const surplus = this.#surplus + Math.min(growth, MOST_GROWTH) - FORGOTTEN;
    this.#surplus = Math.min(Math.max(0, surplus), HOPELESS + 1);
  }

  /** What somebody had waited before the line stood was not in vain yet: he was in his place. */
  #shed(now: number, patience: number): void {
    this.#hooks.shed((waiter) => {
      const overtakenFor = now - Math.max(waitsSince(waiter), this.#patientSince);
      return overtakenFor >= Math.min(patience, waiter.timeoutMs * PATIENCE_SHARE);
    });
  }

  #serveInOrder(): void {
    this.newestFirst = false;
    this.turn = null;
    this.#patience = 0;
  }
}
