import type { Clock, Timer } from './clock.js';
import type { Holder } from './entry.js';
import { type Linked, LinkedList } from './linked-list.js';

/** An acquire that may have to wait. */
export interface Waiter<Self = unknown> extends Linked<Self> {
  readonly holder: Holder;
  /** How long it may wait in all, in ms; Infinity = for ever, 0 = not in the queue. */
  readonly timeoutMs: number;
  /** Set when it joins the queue. */
  since: number;
  deadline: number;
  queued: boolean;
}

/** First in, first out; one timer, for the earliest deadline. */
export class Pending<W extends Waiter<W>> {
  readonly #list = new LinkedList<W>();
  readonly #clock: Clock;
  readonly #onExpired: (waiter: W) => void;
  #timer: Timer | null = null;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onExpired: (waiter: W) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#list.size;
  }

  /** Whose turn is next. */
  get first(): W | null {
    return this.#list.first;
  }

  /** In order; a visitor may remove the one it is given. */
  waiters(): Iterable<W> {
    return this.#list;
  }

  add(waiter: W, since: number, timeoutMs: number): void {
    waiter.since = since;
    waiter.deadline = since + timeoutMs;
    waiter.queued = true;
    waiter.holder.owner?.count(1);
    this.#list.push(waiter);
    this.#schedule(waiter.deadline);
  }

  /** Takes the waiter out, wherever it stands. @returns false if it was not in the queue */
  remove(waiter: W): boolean {
    if (!waiter.queued) return false;
    waiter.queued = false;
    waiter.holder.owner?.count(-1);
    this.#list.remove(waiter);
    if (this.#list.size === 0) this.#unschedule();
    return true;
  }

  #schedule(deadline: number): void {
    if (deadline >= this.#timerAt || deadline === Number.POSITIVE_INFINITY) return;
    this.#unschedule();
    this.#timerAt = deadline;
    // A timer that fires late (a blocked event loop) must not overtake the release that is already there.
    const expire = () => this.#clock.soon(() => this.#expire());
    this.#timer = this.#clock.after(Math.max(0, deadline - this.#clock.now()), expire, true);
  }

  #unschedule(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #expire(): void {
    this.#unschedule();
    const now = this.#clock.now();
    let earliest = Number.POSITIVE_INFINITY;
    for (const waiter of this.#list) {
      if (waiter.deadline > now) {
        earliest = Math.min(earliest, waiter.deadline);
        continue;
      }
      this.remove(waiter);
      this.#onExpired(waiter);
    }
    this.#schedule(earliest);
  }
}
