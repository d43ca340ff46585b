import type { Clock, Timer } from './clock.js';
import type { Holder } from './entry.js';
import { type Due, WaitingLine } from './waiting-line.js';

/** An acquire that may have to wait. */
export interface Waiter<Self = unknown> extends Due<Self> {
  readonly holder: Holder;
  /** How long it may wait in all, in ms; Infinity = for ever, 0 = not in the queue. */
  readonly timeoutMs: number;
  /** Under overload it may be overtaken, and refused early. */
  readonly sheddable: boolean;
  /** Set when it joins the queue. */
  since: number;
  deadline: number;
  queued: boolean;
  /** Its place in the order of arrival: the number of its acquire, set before it joins. */
  place: number;
}

/** In which order waiters are served. */
export interface ServingOrder {
  /** Among those that are sheddable the newest comes first, not the oldest. */
  readonly newestFirst: boolean;
  /** While both kinds wait, whose turn it is; null = that of whoever came first. */
  readonly turn: 'steady' | 'sheddable' | null;
}

const IN_ORDER: ServingOrder = { newestFirst: false, turn: null };

/**
 * Those who wait, in two lines: who keeps its place, and who may be shed. Each is in the order of arrival; one timer, for
 * the earliest deadline.
 */
export class Pending<W extends Waiter<W>> {
  readonly #steady = new WaitingLine<W>();
  readonly #sheddable = new WaitingLine<W>();
  readonly #clock: Clock;
  readonly #onExpired: (waiter: W) => void;
  #timer: Timer | null = null;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onExpired: (waiter: W) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#steady.size + this.#sheddable.size;
  }

  /** Who came first. */
  get first(): W | null {
    return this.next(IN_ORDER);
  }

  /** Who has waited longest of those that are sheddable. */
  get oldestSheddable(): W | null {
    return this.#sheddable.first;
  }

  /** Whose turn is next. */
  next(order: ServingOrder): W | null {
    const steady = this.#steady.first;
    const sheddable = order.newestFirst ? this.#sheddable.last : this.#sheddable.first;
    if (!steady || !sheddable) return steady ?? sheddable;
    if (order.turn !== null) return order.turn === 'steady' ? steady : sheddable;
    return steady.place < sheddable.place ? steady : sheddable;
  }

  /** In the order of arrival; a visitor may remove the one it is given. */
  *waiters(): IterableIterator<W> {
    let steady = this.#steady.first;
    let sheddable = this.#sheddable.first;
    while (steady || sheddable) {
      if (steady && (!sheddable || steady.place < sheddable.place)) {
        const waiter = steady;
        steady = steady.next;
        yield waiter;
      } else if (sheddable) {
        const waiter = sheddable;
        sheddable = sheddable.next;
        yield waiter;
      }
    }
  }

  add(waiter: W, since: number, timeoutMs: number): void {
    waiter.since = since;
    waiter.deadline = since + timeoutMs;
    waiter.queued = true;
    waiter.holder.owner?.count(1);
    this.#lineOf(waiter).push(waiter);
    this.#schedule(waiter.deadline);
  }

  /** Takes the waiter out, wherever it stands. @returns false if it was not in the queue */
  remove(waiter: W): boolean {
    if (!waiter.queued) return false;
    waiter.queued = false;
    waiter.holder.owner?.count(-1);
    this.#lineOf(waiter).remove(waiter);
    if (this.size === 0) this.#unschedule();
    return true;
  }

  #lineOf(waiter: W): WaitingLine<W> {
    return waiter.sheddable ? this.#sheddable : this.#steady;
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
    for (const line of [this.#steady, this.#sheddable]) {
      for (const waiter of line.expired(now)) if (this.remove(waiter)) this.#onExpired(waiter);
    }
    this.#schedule(Math.min(this.#steady.earliest, this.#sheddable.earliest));
  }
}
