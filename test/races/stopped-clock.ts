import type { Clock, Timer } from '#core/clock.js';
import type { Wire } from './wire.js';

interface StoppedTimer extends Timer {
  readonly due: number;
  readonly fn: () => void;
}

/** Time that moves only when the test says so, and only when the wire is at rest: no deadline races with a packet. */
export class StoppedClock implements Clock {
  readonly #wire: Wire;
  readonly #timers = new Set<StoppedTimer>();
  #now = 1_000;
  #soon = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  now(): number {
    return this.#now;
  }

  recently(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): Timer {
    const timer: StoppedTimer = { due: this.#now + ms, fn, cancel: () => void this.#timers.delete(timer) };
    this.#timers.add(timer);
    return timer;
  }

  soon(fn: () => void): void {
    this.#soon++;
    setImmediate(() => {
      this.#soon--;
      fn();
    });
  }

  random(): number {
    return 0.5;
  }

  rest(): Promise<void> {
    return this.#wire.rest(() => this.#soon > 0);
  }

  /** Everything that falls due within `ms`, each at its own time, and all that follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.rest();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.due);
      this.#timers.delete(next);
      next.fn();
      await this.rest();
    }
    this.#now = end;
  }

  /** Time passes until `isDone`, or until `ms` have. @returns whether it is done */
  async passUntil(isDone: () => boolean, ms: number): Promise<boolean> {
    const end = this.#now + ms;
    await this.rest();
    while (!isDone()) {
      const next = this.#next(end);
      if (!next) return false;
      await this.advance(Math.max(0, next.due - this.#now));
    }
    return true;
  }

  #next(end: number): StoppedTimer | undefined {
    let next: StoppedTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= end && (!next || timer.due < next.due)) next = timer;
    }
    return next;
  }
}
