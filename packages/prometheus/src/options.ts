import { HandbackError } from '@handback/core';
import { register as defaultRegistry, Registry } from 'prom-client';
import { DEFAULT_BUCKETS } from './definitions.js';

export interface MetricsOptions {
  /** Where the metrics are registered. @default prom-client's own `register` */
  register?: Registry;
  /** What their names begin with. @default 'handback_' */
  prefix?: string;
  /** How many routes the label `route` tells apart; those that come later are `other`. @default 100 */
  maxRoutes?: number;
  /** Upper bounds of the histograms' buckets, in seconds, rising: those of the first pool of a registry. @default 0.001 to 10 */
  buckets?: readonly number[];
}

export type MetricsSettings = Required<MetricsOptions>;

interface Rule {
  readonly allowed: string;
  accepts(value: unknown): boolean;
}

const RULES: Record<keyof MetricsOptions, Rule> = {
  register: { allowed: 'a Registry of prom-client', accepts: (value) => value instanceof Registry },
  prefix: {
    allowed: 'the beginning of a metric name: letters, digits, _ and :',
    accepts: (value) => typeof value === 'string' && /^([a-zA-Z_:][\w:]*)?$/.test(value),
  },
  maxRoutes: {
    allowed: 'a whole number of at least 0',
    accepts: (value) => Number.isInteger(value) && (value as number) >= 0,
  },
  buckets: { allowed: 'rising numbers of seconds', accepts: areBuckets },
};

function areBuckets(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((each, n) => typeof each === 'number' && each > (n === 0 ? 0 : value[n - 1]));
}

/** @throws {HandbackError} INVALID_OPTION */
export function readOptions(given: MetricsOptions = {}): MetricsSettings {
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name as keyof MetricsOptions] : undefined;
    if (!rule)
      throw new HandbackError(
        'INVALID_OPTION',
        `Unknown option '${name}' of collectMetrics(); known are ${Object.keys(RULES).join(', ')}.`,
      );
    if (value !== undefined && !rule.accepts(value))
      throw new HandbackError(
        'INVALID_OPTION',
        `Option '${name}' of collectMetrics() takes ${rule.allowed}.`,
      );
  }
  const {
    register = defaultRegistry,
    prefix = 'handback_',
    maxRoutes = 100,
    buckets = DEFAULT_BUCKETS,
  } = given;
  return { register, prefix, maxRoutes, buckets };
}
