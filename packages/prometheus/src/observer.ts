import type { EventEmitter } from 'node:events';
import type { ConnectionPool, PoolEventMap } from '@handback/core';
import type { EventName, HistogramName, Metrics } from './metrics.js';
import { RouteLabels } from './route-labels.js';

type Labels = Record<string, string>;
type Listener<Name extends keyof PoolEventMap> = (event: PoolEventMap[Name][0]) => void;
type Removable = { remove(labels: Labels): void };

/** Counts and times what one pool tells, until it is stopped. */
export class Observer {
  readonly #pool: ConnectionPool;
  readonly #metrics: Metrics;
  readonly #routes: RouteLabels;
  /** The series that were made, for when they are to go. */
  readonly #series = new Map<string, () => void>();
  readonly #off: (() => void)[] = [];

  constructor(pool: ConnectionPool, metrics: Metrics, maxRoutes: number) {
    this.#pool = pool;
    this.#metrics = metrics;
    this.#routes = new RouteLabels(maxRoutes);
    // What is not there yet has no first increase.
    this.#count('openFailures', {}, 0);
    this.#listen();
  }

  #listen(): void {
    this.#on('acquire', ({ route, waitedMs }) => this.#observe('wait', waitedMs, route));
    this.#on('acquireFailed', ({ route, waitedMs, code }) => {
      this.#observe('wait', waitedMs, route);
      this.#count('acquireFailures', { route: this.#routes.of(route), code });
    });
    this.#on('release', ({ route, heldMs, usedMs }) => {
      this.#observe('hold', heldMs, route);
      this.#observe('use', usedMs, route);
    });
    this.#on('open', ({ durationMs }) => this.#observe('open', durationMs));
    this.#on('reset', ({ durationMs }) => this.#observe('reset', durationMs));
    this.#on('openFailed', () => this.#count('openFailures', {}));
    this.#on('rollback', ({ route }) => this.#count('rollbacks', { route: this.#routes.of(route) }));
    this.#on('late', ({ route }) => this.#count('late', { route: this.#routes.of(route) }));
    this.#on('leak', ({ route }) => this.#count('leaks', { route: this.#routes.of(route) }));
    this.#on('kill', ({ route }) => this.#count('kills', { route: this.#routes.of(route), reason: 'drain' }));
    this.#on('cancel', ({ route, reason }) =>
      this.#count('kills', { route: this.#routes.of(route), reason }),
    );
  }

  stop(): void {
    for (const off of this.#off) off();
    for (const remove of this.#series.values()) remove();
  }

  #on<Name extends keyof PoolEventMap>(name: Name, listener: Listener<Name>): void {
    const events: EventEmitter = this.#pool.events;
    events.on(name, listener);
    this.#off.push(() => events.off(name, listener));
  }

  #observe(name: HistogramName, ms: number, route?: string): void {
    const histogram = this.#metrics.histogram(name);
    const own: Labels = route === undefined ? {} : { route: this.#routes.of(route) };
    histogram.observe(this.#labelled(name, histogram, { pool: this.#pool.name, ...own }), ms / 1_000);
  }

  #count(name: EventName, own: Labels, times = 1): void {
    const counter = this.#metrics.counter(name);
    counter.inc(this.#labelled(name, counter, { pool: this.#pool.name, ...own }), times);
  }

  #labelled(name: string, metric: Removable, labels: Labels): Labels {
    const key = [name, ...Object.values(labels)].join('\n');
    if (!this.#series.has(key)) this.#series.set(key, () => metric.remove(labels));
    return labels;
  }
}
