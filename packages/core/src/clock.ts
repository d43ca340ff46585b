import { performance } from 'node:perf_hooks';
import { outsideRequests } from './neutral.js';

/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/** Time as the pool sees it; tests pass their own. */
export interface Clock {
  /** Monotonic milliseconds: a change of the wall clock evicts nobody. */
  now(): number;
  /**
   * As `now`, but in whole milliseconds, and read a moment ago: up to 10 ms earlier, and more where the event loop was
   * blocked since. For what a moment makes no difference to: reading the time costs as much as all the rest of an acquire.
   */
  recently(): number;
  /** Runs `fn` once after `ms`. Keeps the process alive only for somebody who waits for it (`awaited`). */
  after(ms: number, fn: () => void, awaited?: boolean): Timer;
  /** Runs `fn` after the I/O that is already there has been handled. */
  soon(fn: () => void): void;
  /** Uniform in [0, 1): the jitter of back-off and lifetime. */
  random(): number;
}

/** A timer that fires later than this was kept from it by a blocked event loop. */
const BLOCKED_MS = 50;

/**
 * How long the other side may be silent. A blocked event loop is not its silence: the time that was lost to it is given
 * back, once, and what has arrived is read first.
 */
export function whenSilent(clock: Clock, ms: number, fn: () => void): Timer {
  let cancelled = false;
  const due = clock.now() + ms;
  const expire = () =>
    clock.soon(() => {
      if (!cancelled) fn();
    });
  let timer = clock.after(ms, () => {
    const late = clock.now() - due;
    if (late > BLOCKED_MS) timer = clock.after(Math.min(late, ms), expire);
    else expire();
  });
  return {
    cancel: () => {
      cancelled = true;
      timer.cancel();
    },
  };
}

/** Node's limit: a longer delay would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

class NodeTimer implements Timer {
  private readonly handle: NodeJS.Timeout;

  constructor(ms: number, fn: () => void, awaited: boolean) {
    this.handle = outsideRequests(() => setTimeout(fn, Math.min(ms, LONGEST_DELAY_MS)));
    if (!awaited) this.handle.unref();
  }

  cancel(): void {
    clearTimeout(this.handle);
  }
}

/** How long a reading of the time is good for. */
const RECENT_MS = 10;

/** The time as it was read last. The timer that makes it a thing of the past is set anew when it is read again, not before. */
class RecentTime {
  private at = Math.floor(performance.now());
  private isRecent = false;
  private timer: NodeJS.Timeout | null = null;

  /** Reads the time. */
  now(): number {
    const now = performance.now();
    // Whole, it is kept and handed on without room for it on the heap.
    this.at = Math.floor(now);
    return now;
  }

  recently(): number {
    if (!this.isRecent) this.renew();
    return this.at;
  }

  private renew(): void {
    this.now();
    this.isRecent = true;
    outsideRequests(() => this.forgetLater());
  }

  private forgetLater(): void {
    if (this.timer) {
      this.timer.refresh();
      return;
    }
    const forget = () => {
      this.isRecent = false;
    };
    this.timer = setTimeout(forget, RECENT_MS).unref();
  }
}

const time = new RecentTime();

export const systemClock: Clock = {
  now: () => time.now(),
  recently: () => time.recently(),
  after: (ms, fn, awaited = false) => new NodeTimer(ms, fn, awaited),
  soon: (fn) => {
    setImmediate(fn);
  },
  random: Math.random,
};
