import { AcquireReports } from '#core/acquire-reports.js';
import type { Clock, Timer } from '#core/clock.js';
import type { Entry, Holder } from '#core/entry.js';
import type { HandbackError } from '#core/errors.js';
import { PoolEvents } from '#core/events.js';
import { Knowledge } from '#core/knowledge.js';
import type { PoolOptions, PoolSettings } from '#core/options.js';
import { PendingCount } from '#core/pending.js';
import { isSheddable } from '#core/policy.js';
import { type Acquirer, Queue } from '#core/queue.js';
import { readPoolOptions } from '#core/read-options.js';
import { Reporter } from '#core/reporter.js';
import { Slots } from '#core/slots.js';
import { Counters } from '#core/stats.js';
import { Random } from '../chaos/random.js';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

/** Time that jumps from one event to the next: a minute of load takes a moment. */
class EventClock implements Clock {
  readonly #events: Event[] = [];
  readonly #random: Random;
  #now = 1_000;
  #order = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  recently(): number {
    return this.#now;
  }

  random(): number {
    return this.#random.share();
  }

  soon(fn: () => void): void {
    this.after(0, fn);
  }

  after(ms: number, fn: () => void): Timer {
    const event: Event = { at: this.#now + ms, order: this.#order++, fn, cancelled: false };
    this.#rise(event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  runUntil(end: number): void {
    for (let next = this.#events[0]; next && next.at <= end; next = this.#events[0]) {
      this.#sink();
      if (next.cancelled) continue;
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = end;
  }

  /** The event loop is blocked: time passes, and nothing has its turn. */
  stall(ms: number): void {
    this.#now += ms;
  }

  #rise(event: Event): void {
    const events = this.#events;
    let place = events.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = events[above] as Event;
      if (!isBefore(event, parent)) break;
      events[place] = parent;
      place = above;
    }
    events[place] = event;
  }

  /** Takes the first one away. */
  #sink(): void {
    const events = this.#events;
    const last = events.pop() as Event;
    if (events.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= events.length) break;
      if (below + 1 < events.length && isBefore(events[below + 1] as Event, events[below] as Event)) below++;
      if (!isBefore(events[below] as Event, last)) break;
      events[place] = events[below] as Event;
      place = below;
    }
    events[place] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** How long a client takes at most until it comes again, if nothing else is said. */
const THINKING_MS = 40;

export type Kind = 'request' | 'job';

/** What became of one that came. */
export interface Outcome {
  readonly kind: Kind;
  readonly cameAt: number;
  /** Until it had its answer, or its refusal; Infinity = neither, so far. */
  tookMs: number;
  /** How long it waited for its connection. */
  waitedMs: number;
  error: HandbackError | null;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly connections?: number;
  /** How long one holds its connection. */
  readonly serviceMs: (random: Random) => number;
  readonly pool?: Partial<PoolOptions>;
}

export const fixed = (ms: number) => () => ms;
/** Exponentially distributed: as irregular as arrivals are. */
export const irregular = (mean: number) => (random: Random) => -mean * Math.log(1 - random.share());
/** Most take little, one in twenty takes ten times as long. */
export const mixed = (mean: number) => (random: Random) => (mean / 1.45) * (random.chance(0.05) ? 10 : 1);

/** Load on a real queue over connections that only hold still for as long as a request would. */
export class Simulation {
  readonly random: Random;
  readonly clock: EventClock;
  readonly outcomes: Outcome[] = [];
  readonly counters = new Counters();
  /** Whether the pool has all its connections. */
  complete = true;
  readonly queue: Queue;
  readonly #settings: PoolSettings;
  readonly #serviceMs: (random: Random) => number;
  #idle: number;

  constructor({ seed, connections = 10, serviceMs, pool = {} }: SimulationOptions) {
    this.random = new Random(seed);
    this.clock = new EventClock(this.random);
    this.#settings = readPoolOptions({ connection: {}, max: connections, ...pool });
    this.#serviceMs = serviceMs;
    this.#idle = connections;
    const { clock, counters } = this;
    const events = new PoolEvents();
    events.on('warning', () => {});
    const settings = this.#settings;
    const slots = new Slots();
    const reporter = new Reporter({
      settings,
      clock,
      events,
      slots,
      knowledge: new Knowledge(clock, settings.behindProxy),
    });
    const acquires = new AcquireReports({ settings, clock, events });
    const waiting = () => this.queue.size;
    this.queue = new Queue(
      { settings, clock, counters, reporter, acquires, pending: new PendingCount() },
      {
        dispense: () => this.#dispense(),
        takeBack: () => {
          this.#idle++;
        },
        onWaiting: () => {},
        crowd: {
          closing: false,
          hopeless: false,
          backingOff: false,
          live: connections,
          busy: connections,
          get pending() {
            return waiting();
          },
        },
        lastConnectError: () => null,
        unreachable: () => false,
        complete: () => this.complete,
      },
    );
  }

  #dispense(): Entry | null {
    if (this.#idle === 0) return null;
    this.#idle--;
    return {} as Entry;
  }

  /** One comes now. `again` = called when it is over. */
  come(kind: Kind, again?: () => void): Outcome {
    const outcome: Outcome = {
      kind,
      cameAt: this.clock.now(),
      tookMs: Number.POSITIVE_INFINITY,
      waitedMs: Number.POSITIVE_INFINITY,
      error: null,
    };
    this.outcomes.push(outcome);
    const over = () => {
      outcome.tookMs = this.clock.now() - outcome.cameAt;
      again?.();
    };
    const { acquireTimeoutMs: timeoutMs } = this.#settings;
    const acquirer: Acquirer = {
      holder: { route: kind } satisfies Holder,
      timeoutMs,
      sheddable: kind === 'request' && isSheddable(timeoutMs, this.#settings),
      came: null,
      place: 0,
      spot: 0,
      granted: () => {
        outcome.waitedMs = this.clock.now() - outcome.cameAt;
        this.clock.after(this.#serviceMs(this.random), () => {
          over();
          this.#idle++;
          this.queue.serve();
        });
      },
      refused: (error) => {
        outcome.error = error;
        over();
      },
    };
    const entry = this.queue.size > 0 ? null : this.#dispense();
    if (entry) acquirer.granted(entry);
    else this.queue.join(acquirer);
    return outcome;
  }

  burst(kind: Kind, count: number): void {
    for (let n = 0; n < count; n++) this.come(kind);
  }

  /** They come at random, `perSecond` on average, whatever becomes of those before them. */
  offer(kind: Kind, perSecond: number, forMs: number): void {
    const end = this.clock.now() + forMs;
    const next = () => {
      const gap = (-1_000 / perSecond) * Math.log(1 - this.random.share());
      if (this.clock.now() + gap > end) return;
      this.clock.after(gap, () => {
        this.come(kind);
        next();
      });
    };
    next();
  }

  /** So many clients, each of which comes again a moment after it has its answer, or its refusal. */
  clients(count: number, forMs: number, thinkingMs = THINKING_MS): void {
    const end = this.clock.now() + forMs;
    const visit = () => {
      if (this.clock.now() >= end) return;
      this.come('request', () => this.clock.after(thinkingMs * this.random.share(), visit));
    };
    for (let n = 0; n < count; n++) visit();
  }

  run(ms: number): void {
    this.clock.runUntil(this.clock.now() + ms);
  }

  of(kind: Kind): Outcome[] {
    return this.outcomes.filter((each) => each.kind === kind);
  }

  /** How many were answered within `ms` since they came. */
  answeredWithin(ms: number, kind: Kind = 'request'): number {
    return this.of(kind).filter(({ error, tookMs }) => !error && tookMs <= ms).length;
  }

  refused(code?: string): Outcome[] {
    return this.outcomes.filter(({ error }) => error && (!code || error.code === code));
  }
}
