import type { EventEmitter } from 'node:events';
import type { ConnectionPool, PoolEventMap } from '@handback/core';
import {
  type Attributes,
  type BatchObservableCallback,
  metrics as globalMetrics,
  type Meter,
  type MeterProvider,
} from '@opentelemetry/api';
import { ATTRIBUTES, METRICS } from './names.js';
import { SCOPE } from './scope.js';

export interface MetricsOptions {
  /** @default the global one */
  meterProvider?: MeterProvider;
}

/** In seconds; the SDK's own are made for milliseconds. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const CONNECTIONS = '{connection}';

/**
 * Makes a pool's metrics part of what a meter provider exports, under the names of the semantic conventions.
 *
 * @returns what ends it
 */
export function collectMetrics(pool: ConnectionPool, options: MetricsOptions = {}): () => void {
  const { meterProvider = globalMetrics.getMeterProvider() } = options;
  const meter = meterProvider.getMeter(SCOPE.name, SCOPE.version);
  const attributes = { [ATTRIBUTES.pool]: pool.name };
  const stops = [readStats(meter, pool, attributes), recordTimes(meter, pool, attributes)];
  return () => {
    for (const stop of stops) stop();
  };
}

/** What is read off `pool.stats()` when it is exported. */
function readStats(meter: Meter, pool: ConnectionPool, attributes: Attributes): () => void {
  const sizes = (name: string, description: string) =>
    meter.createObservableUpDownCounter(name, { description, unit: CONNECTIONS });
  const count = sizes(METRICS.count, 'The number of connections that are idle, or used.');
  const idleMax = sizes(METRICS.idleMax, 'The maximum number of idle connections.');
  const idleMin = sizes(METRICS.idleMin, 'The minimum number of idle connections.');
  const max = sizes(METRICS.max, 'The maximum number of connections.');
  const limit = sizes(METRICS.limit, 'The maximum number of connections.');
  const pending = meter.createObservableUpDownCounter(METRICS.pending, {
    description: 'The number of acquires that wait for a connection.',
    unit: '{request}',
  });
  const timeouts = meter.createObservableCounter(METRICS.timeouts, {
    description: 'The number of acquires that met their deadline.',
    unit: '{timeout}',
  });
  const read: BatchObservableCallback = (observer) => {
    const stats = pool.stats();
    const used = stats.leased + stats.draining + stats.resetting + stats.validating;
    observer.observe(count, stats.idle, { ...attributes, [ATTRIBUTES.state]: 'idle' });
    observer.observe(count, used, { ...attributes, [ATTRIBUTES.state]: 'used' });
    observer.observe(idleMax, stats.maxIdle, attributes);
    observer.observe(idleMin, stats.minIdle, attributes);
    observer.observe(max, stats.max, attributes);
    observer.observe(limit, stats.max, attributes);
    observer.observe(pending, stats.pending, attributes);
    observer.observe(timeouts, stats.timedOut, attributes);
  };
  const observed = [count, idleMax, idleMin, max, limit, pending, timeouts];
  meter.addBatchObservableCallback(read, observed);
  return () => meter.removeBatchObservableCallback(read, observed);
}

type Listener<Name extends keyof PoolEventMap> = (event: PoolEventMap[Name][0]) => void;

function recordTimes(meter: Meter, pool: ConnectionPool, attributes: Attributes): () => void {
  const seconds = (name: string, description: string) => {
    const advice = { explicitBucketBoundaries: BUCKETS };
    const histogram = meter.createHistogram(name, { description, unit: 's', advice });
    return (ms: number) => histogram.record(ms / 1_000, attributes);
  };
  const created = seconds(METRICS.createTime, 'The time it took to open a connection.');
  const waited = seconds(METRICS.waitTime, 'The time it took to obtain a connection from the pool.');
  const held = seconds(METRICS.useTime, 'The time between taking a connection and giving it back.');
  const offs: (() => void)[] = [];
  const events: EventEmitter = pool.events;
  const on = <Name extends keyof PoolEventMap>(name: Name, listener: Listener<Name>) => {
    events.on(name, listener);
    offs.push(() => events.off(name, listener));
  };
  on('open', ({ durationMs }) => created(durationMs));
  on('acquire', ({ waitedMs }) => waited(waitedMs));
  on('release', ({ heldMs }) => held(heldMs));
  return () => {
    for (const off of offs) off();
  };
}
