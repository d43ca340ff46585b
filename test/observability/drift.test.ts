import assert from 'node:assert/strict';
import type { PoolStats } from '@handback/core';
import * as opentelemetry from '@handback/opentelemetry';
import { collectMetrics } from '@handback/prometheus';
import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { Simulation } from '../core/simulation.js';
import { type Operation, operation, type Setup, setup } from '../core/simulation-operations.js';
import { times } from '../support/times.js';
import { Scrape } from './exposition.js';

/** Shown in the titles, so that any run can be had again. */
const seed = Number(process.env.HANDBACK_SEED ?? Math.floor(Math.random() * 2 ** 31));

const SAME: Record<string, keyof PoolStats> = {
  connections_max: 'max',
  connections_idle_max: 'maxIdle',
  connections_idle_min: 'minIdle',
  acquires_pending: 'pending',
  connections_opened_total: 'opened',
  connections_closed_total: 'closed',
  acquires_total: 'acquired',
  releases_total: 'released',
  acquire_timeouts_total: 'timedOut',
  acquires_shed_total: 'shed',
  late_total: 'late',
  leaks_total: 'leaked',
  resets_total: 'reset',
};

class Watched {
  readonly simulation: Simulation;
  readonly #register = new Registry();
  readonly #exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #provider = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({ exporter: this.#exporter, exportIntervalMillis: 3_600_000 }),
    ],
  });
  readonly #stops: readonly (() => void)[];
  #counted = new Map<string, number>();

  constructor(options: Setup) {
    this.simulation = new Simulation(options);
    const { pool } = this.simulation.test;
    this.#stops = [
      collectMetrics(pool, { register: this.#register }),
      opentelemetry.collectMetrics(pool, { meterProvider: this.#provider }),
    ];
  }

  async check(): Promise<void> {
    const stats = this.simulation.test.stats();
    const scrape = new Scrape(await this.#register.metrics());
    for (const [name, stat] of Object.entries(SAME))
      assert.equal(scrape.value(`handback_${name}`), stats[stat], name);
    for (const { labels, value } of scrape.samples('handback_connections'))
      assert.equal(value, stats[labels.state as keyof PoolStats], labels.state);
    const failures = scrape.value('handback_acquire_failures_total');
    const [waits, holds] = ['acquire_wait', 'lease_hold'].map((name) =>
      scrape.value(`handback_${name}_seconds_count`),
    );
    assert.equal(waits, stats.acquired + failures, 'acquires that have ended');
    assert.equal(holds, stats.acquired - stats.leased - stats.draining, 'leases that have ended');
    this.#checkCounters(scrape);
    await this.#checkExported(stats);
  }

  #checkCounters(scrape: Scrape): void {
    const now = new Map<string, number>();
    for (const { type, samples } of scrape.families.values()) {
      if (type === 'gauge') continue;
      for (const { name, labels, value } of samples) now.set(JSON.stringify([name, labels]), value);
    }
    for (const [series, before] of this.#counted)
      assert.ok((now.get(series) ?? -1) >= before, `${series} went back from ${before}`);
    this.#counted = now;
  }

  async #checkExported(stats: PoolStats): Promise<void> {
    this.#exporter.reset();
    await this.#provider.forceFlush();
    const read = (name: string, state?: string): unknown[] => {
      const [metric] = this.#exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap(({ metrics }) => metrics)
        .filter(({ descriptor }) => descriptor.name === `db.client.connection.${name}`);
      return (metric?.dataPoints ?? [])
        .filter(({ attributes }) => attributes['db.client.connection.state'] === state)
        .map(({ value }) => (typeof value === 'number' ? value : (value as Histogram).count));
    };
    const { idle, leased, draining, resetting, validating, pending, max, timedOut, acquired } = stats;
    assert.deepEqual(read('count', 'idle'), [idle]);
    assert.deepEqual(read('count', 'used'), [leased + draining + resetting + validating]);
    assert.deepEqual([read('max'), read('limit'), read('pending_requests')], [[max], [max], [pending]]);
    assert.deepEqual(read('timeouts'), [timedOut]);
    assert.deepEqual(read('wait_time'), acquired === 0 ? [] : [acquired]);
  }

  async leave(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.#provider.shutdown();
  }
}

async function play(options: Setup, operations: readonly Operation[]): Promise<void> {
  const watched = new Watched(options);
  const { simulation } = watched;
  try {
    for (const each of operations) {
      await simulation.step(each);
      await watched.check();
    }
    await simulation.wind();
    await simulation.close();
    await watched.check();
  } finally {
    await watched.leave();
  }
}

describe(`metrics beside stats(), whatever happens (HANDBACK_SEED=${seed})`, () => {
  it('never drift from it, never count back, and show a pool that was resized or closed as it is', async function () {
    const numRuns = times(40);
    this.timeout(60_000 * Math.max(1, numRuns / 40));
    const operations = fc.array(operation, { maxLength: 30 });
    await fc.assert(fc.asyncProperty(setup, operations, play), { numRuns, seed });
  });
});
