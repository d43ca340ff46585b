import { type ConnectionPool, HandbackError } from '@handback/core';
import type { Registry } from 'prom-client';
import { Metrics } from './metrics.js';
import { Observer } from './observer.js';
import { type MetricsOptions, type MetricsSettings, readOptions } from './options.js';

export type { MetricsOptions };

/** By prefix. A registry takes each name once, and several pools may be collected in one. */
const collected = new WeakMap<Registry, Map<string, Metrics>>();

/**
 * Makes a pool's metrics part of a prom-client registry. Several pools may share one: the label `pool` tells them apart.
 *
 * @returns what takes them out again
 * @throws {HandbackError} INVALID_OPTION; also for a pool whose name is taken in that registry
 */
export function collectMetrics(pool: ConnectionPool, options?: MetricsOptions): () => void {
  const settings = readOptions(options);
  const metrics = metricsOf(settings);
  if ([...metrics.pools].some(({ name }) => name === pool.name)) throw nameTaken(pool.name);
  metrics.pools.add(pool);
  const observer = new Observer(pool, metrics, settings.maxRoutes);
  let stopped = false;
  return () => {
    if (stopped) return;
    stopped = true;
    observer.stop();
    metrics.pools.delete(pool);
    if (metrics.pools.size > 0) return;
    metrics.unregister();
    const byPrefix = collected.get(settings.register);
    if (byPrefix?.get(settings.prefix) === metrics) byPrefix.delete(settings.prefix);
  };
}

function metricsOf(settings: MetricsSettings): Metrics {
  const { register, prefix } = settings;
  const byPrefix = collected.get(register) ?? new Map<string, Metrics>();
  collected.set(register, byPrefix);
  const known = byPrefix.get(prefix);
  if (known?.registered) return known;
  const made = new Metrics(settings);
  byPrefix.set(prefix, made);
  return made;
}

function nameTaken(name: string): HandbackError {
  return new HandbackError(
    'INVALID_OPTION',
    `A pool named '${name}' is collected in this registry already; give one of them another name (option 'name', or 'as' of the plugin).`,
  );
}
