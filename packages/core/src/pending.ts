import type { Clock, Timer } from './clock.js';
import type { Holder } from './entry.js';
import { Moment } from './moment.js';
import { type Due, WaitingLine } from './waiting-line.js';

/** An acquire that may have to wait. */
export interface Waiter extends Due {
  readonly holder: Holder;
  /** How long it may wait in all, in ms; Infinity = for ever, 0 = not in the queue. */
  readonly timeoutMs: number;
  /** Under overload it may be overtaken, and refused early. */
  readonly sheddable: boolean;
  /**
   * Its place in the order of arrival, which is the number of its acquire; negative = it is not in the queue, 0 = it was never asked
   * for.
   */
  place: number;
}

/** The number of its acquire, whether it still waits or not. */
export function numberOf({ place }: Pick<Waiter, 'place'>): number {
  return Math.abs(place);
}

/** In which order waiters are served. */
export interface ServingOrder {
  /** Among those that are sheddable the newest comes first, not the oldest. */
  readonly newestFirst: boolean;
  /** While both kinds wait, whose turn it is; null = that of whoever came first. */
  readonly turn: 'steady' | 'sheddable' | null;
}

/** How many wait: one object, so that every acquire and release can look at it without asking its way through the pool. */
export class PendingCount {
  size = 0;
}

const IN_ORDER: ServingOrder = { newestFirst: false, turn: null };

/**
 * Those who wait, in two lines: who keeps its place, and who may be shed. Each is in the order of arrival; one timer, for
 * the earliest deadline.
 *
 * Time counts from the end of the turn of the event loop in which somebody came: it is read once for all who came in it, and what
 * else was done in that turn is at nobody's expense.
 */
// Every acquire that waits comes by here: as in doors.ts, its fields are private to the compiler, not to the engine.
export class Pending<W extends Waiter> {
  private readonly count: PendingCount;
  private readonly steady: WaitingLine<W>;
  private readonly sheddable: WaitingLine<W>;
  private readonly clock: Clock;
  private readonly onExpired: (waiter: W) => void;
  /** This turn's; null = nobody has come in it yet. */
  private moment: Moment | null = null;
  private timer: Timer | null = null;
  private timerAt = Number.POSITIVE_INFINITY;

  /** `unqueuedMs`: how long those may wait who are not to queue. */
  constructor(clock: Clock, unqueuedMs: number, onExpired: (waiter: W) => void, count = new PendingCount()) {
    this.count = count;
    this.clock = clock;
    this.steady = new WaitingLine(unqueuedMs);
    this.sheddable = new WaitingLine(unqueuedMs);
    this.onExpired = onExpired;
  }

  /** How many wait. */
  get size(): number {
    return this.count.size;
  }

  /** How many wait that are sheddable. */
  get sheddableSize(): number {
    return this.sheddable.size;
  }

  /** Who came first. */
  get first(): W | null {
    return this.next(IN_ORDER);
  }

  /** Who has waited longest of those that are sheddable. */
  get oldestSheddable(): W | null {
    return this.sheddable.first;
  }

  /** Whose turn is next. */
  next(order: ServingOrder): W | null {
    const steady = this.steady.first;
    const sheddable = order.newestFirst ? this.sheddable.last : this.sheddable.first;
    if (steady === null || sheddable === null) return steady ?? sheddable;
    if (order.turn !== null) return order.turn === 'steady' ? steady : sheddable;
    return steady.place < sheddable.place ? steady : sheddable;
  }

  /** In the order of arrival. */
  get waiters(): W[] {
    const all = [...this.steady, ...this.sheddable];
    return this.sheddable.size === 0 ? all : all.sort((one, other) => one.place - other.place);
  }

  /** It has its number. */
  add(waiter: W): void {
    const line = waiter.sheddable ? this.sheddable : this.steady;
    const moment = this.moment ?? this.begin();
    const limit = line.limitOf(waiter);
    if (limit < moment.shortest) moment.shortest = limit;
    waiter.came = moment;
    waiter.place = -waiter.place;
    this.count.size++;
    const { owner } = waiter.holder;
    if (owner) owner.count(1);
    line.push(waiter, limit);
  }

  /** Takes out who came first, where nobody waits who is sheddable: whose turn it is needs no thought then. null = it does, or nobody waits. */
  shift(): W | null {
    if (this.sheddable.size > 0 || this.count.size === 0) return null;
    const waiter = this.steady.shift();
    this.left(waiter);
    return waiter;
  }

  /** Takes the waiter out, wherever it stands. @returns false if it was not in the queue */
  remove(waiter: W): boolean {
    if (waiter.place <= 0) return false;
    if (waiter.sheddable) this.sheddable.remove(waiter);
    else this.steady.remove(waiter);
    this.left(waiter);
    return true;
  }

  private left(waiter: W): void {
    waiter.place = -waiter.place;
    this.count.size--;
    const { owner } = waiter.holder;
    if (owner) owner.count(-1);
    if (this.count.size === 0 && this.timer !== null) this.unschedule();
  }

  private begin(): Moment {
    const moment = new Moment();
    this.moment = moment;
    this.clock.soon(() => this.end(moment));
    return moment;
  }

  private end(moment: Moment): void {
    this.moment = null;
    // In whole milliseconds; nobody's deadline comes too soon by that.
    moment.at = Math.ceil(this.clock.now());
    if (this.count.size > 0) this.schedule(moment.at + moment.shortest);
  }

  private schedule(deadline: number): void {
    if (deadline >= this.timerAt || deadline === Number.POSITIVE_INFINITY) return;
    this.unschedule();
    this.timerAt = deadline;
    // A timer that fires late (a blocked event loop) must not overtake the release that is already there.
    const expire = () => this.clock.soon(() => this.expire());
    this.timer = this.clock.after(Math.max(0, deadline - this.clock.now()), expire, true);
  }

  private unschedule(): void {
    this.timer?.cancel();
    this.timer = null;
    this.timerAt = Number.POSITIVE_INFINITY;
  }

  private expire(): void {
    this.unschedule();
    const now = this.clock.now();
    for (const line of [this.steady, this.sheddable]) {
      for (const waiter of line.expired(now)) if (this.remove(waiter)) this.onExpired(waiter);
    }
    this.schedule(Math.min(this.steady.earliest, this.sheddable.earliest));
  }
}
