import { type ConnectionPool, HandbackError, type PoolStats } from '@handback/core';
import { Counter, Gauge, Histogram } from 'prom-client';
import {
  CONNECTIONS,
  COUNTERS,
  type Definition,
  EVENTS,
  EVICTIONS,
  GAUGES,
  HISTOGRAMS,
  NAMES,
  type Reading,
  STATES,
} from './definitions.js';
import type { MetricsSettings } from './options.js';

export type EventName = keyof typeof EVENTS;
export type HistogramName = keyof typeof HISTOGRAMS;

/** The metrics of one registry under one prefix, for all pools that are collected there. */
export class Metrics {
  readonly pools = new Set<ConnectionPool>();
  readonly #settings: MetricsSettings;
  readonly #counters: Record<EventName, Counter>;
  readonly #histograms: Record<HistogramName, Histogram>;
  readonly #connections: Gauge;

  /** @throws {HandbackError} INVALID_OPTION where something else has one of the names */
  constructor(settings: MetricsSettings) {
    this.#settings = settings;
    const { register, prefix } = settings;
    const taken = NAMES.find((name) => register.getSingleMetric(prefix + name));
    if (taken !== undefined) throw prefixTaken(prefix + taken);
    this.#connections = this.#gauge(CONNECTIONS, (gauge, pool, stats) => {
      for (const state of STATES) gauge.set({ pool, state }, stats[state]);
    });
    for (const reading of GAUGES)
      this.#gauge(plain(reading), (gauge, pool, stats) => gauge.set({ pool }, stats[reading.stat]));
    for (const reading of COUNTERS)
      this.#counter(plain(reading), (counter, pool, stats) => counter.inc({ pool }, stats[reading.stat]));
    this.#counter(EVICTIONS, (counter, pool, stats) => {
      for (const [reason, times] of Object.entries(stats.evicted)) counter.inc({ pool, reason }, times);
    });
    this.#counters = mapped(EVENTS, (definition) => new Counter(this.#config(definition)));
    this.#histograms = mapped(HISTOGRAMS, (definition) => {
      const buckets = [...settings.buckets];
      return new Histogram({ ...this.#config(definition), buckets });
    });
  }

  counter(name: EventName): Counter {
    return this.#counters[name];
  }

  histogram(name: HistogramName): Histogram {
    return this.#histograms[name];
  }

  /** Somebody may have cleared the registry. */
  get registered(): boolean {
    const { register, prefix } = this.#settings;
    return register.getSingleMetric(prefix + CONNECTIONS.name) === this.#connections;
  }

  unregister(): void {
    const { register, prefix } = this.#settings;
    if (!this.registered) return;
    for (const name of NAMES) register.removeSingleMetric(prefix + name);
  }

  #config({ name, help, labels }: Definition) {
    const { prefix, register } = this.#settings;
    return { name: prefix + name, help, labelNames: ['pool', ...labels], registers: [register] };
  }

  #gauge(definition: Definition, read: (gauge: Gauge, pool: string, stats: PoolStats) => void): Gauge {
    const { pools } = this;
    return new Gauge({
      ...this.#config(definition),
      collect() {
        this.reset();
        for (const pool of pools) read(this, pool.name, pool.stats());
      },
    });
  }

  /** What the pool has counted is shown as it is: prom-client knows no setting of a counter but from 0. */
  #counter(definition: Definition, read: (counter: Counter, pool: string, stats: PoolStats) => void): void {
    const { pools } = this;
    new Counter({
      ...this.#config(definition),
      collect() {
        this.reset();
        for (const pool of pools) read(this, pool.name, pool.stats());
      },
    });
  }
}

function prefixTaken(name: string): HandbackError {
  return new HandbackError(
    'INVALID_OPTION',
    `The registry has a metric '${name}' that is not of Handback; choose another with the option 'prefix'.`,
  );
}

function plain({ name, help }: Reading): Definition {
  return { name, help, labels: [] };
}

function mapped<Name extends string, T>(
  definitions: Record<Name, Definition>,
  make: (definition: Definition) => T,
): Record<Name, T> {
  const entries = Object.entries<Definition>(definitions).map(([name, each]) => [name, make(each)]);
  return Object.fromEntries(entries) as Record<Name, T>;
}
