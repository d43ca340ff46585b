import assert from 'node:assert/strict';
import type { Clock, Timer } from '#core/clock.js';

interface FakeTimer extends Timer {
  readonly due: number;
  readonly fn: () => void;
}

/** All microtasks and ticks that are due have run when this resolves. */
function flush(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Time that moves when the test says so. */
export class FakeClock implements Clock {
  /** What `random()` answers. */
  randomness = 0.5;
  /** Called whenever everything has come to rest: for what must always hold. */
  onRest: () => void = () => {};
  #now = 1_000;
  #soon: (() => void)[] = [];
  readonly #timers = new Set<FakeTimer>();

  now(): number {
    return this.#now;
  }

  /** There is no other time than this. */
  recently(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): Timer {
    assert.ok(ms >= 0, `a timer was set for ${ms} ms`);
    const timer: FakeTimer = { due: this.#now + ms, fn, cancel: () => void this.#timers.delete(timer) };
    this.#timers.add(timer);
    return timer;
  }

  soon(fn: () => void): void {
    this.#soon.push(fn);
  }

  random(): number {
    return this.randomness;
  }

  /** Delays of the timers that are set, the shortest first. */
  get timers(): number[] {
    return [...this.#timers].map(({ due }) => due - this.#now).sort((a, b) => a - b);
  }

  /** Lets promises settle, but leaves what was put off with `soon`. */
  async microtasks(): Promise<void> {
    await flush();
  }

  /** Lets everything come to rest that needs no time. */
  async settle(): Promise<void> {
    await flush();
    while (this.#soon.length > 0) {
      const batch = this.#soon;
      this.#soon = [];
      for (const fn of batch) fn();
      await flush();
    }
    this.onRest();
  }

  /** Runs what is due within the next `ms`, each at its own time. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.due);
      // As in Node: all timers that are due have their turn before what was put off with `soon`.
      for (let timer = this.#next(this.#now); timer; timer = this.#next(this.#now)) {
        this.#timers.delete(timer);
        timer.fn();
        await flush();
      }
      await this.settle();
    }
    this.#now = end;
    await this.settle();
  }

  /** The event loop was blocked: time has passed, and no timer had its turn. */
  stall(ms: number): void {
    this.#now += ms;
  }

  #next(end: number): FakeTimer | undefined {
    let next: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= end && (!next || timer.due < next.due)) next = timer;
    }
    return next;
  }
}
