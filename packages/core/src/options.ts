import type { ConnectionOptions } from 'mysql2';
import { type ConnectionSource, resolveSource } from './connection-source.js';
import {
  anyFunction,
  checkOptions,
  count,
  deadline,
  duration,
  invalid,
  oneOf,
  positiveDuration,
  type Rules,
  text,
} from './option-rules.js';
import type { StrictParams } from './params.js';

/** Options that a route may set for itself. */
export interface RouteOptions {
  /**
   * One absolute deadline over queueing, opening and resetting, in ms. 0 = don't queue: fails only when `max`
   * connections are in use. `Infinity` = no deadline.
   * @default 5000
   */
  acquireTimeoutMs?: number;
  /**
   * How long what is still in flight at the end of the response may go on, in ms, before it is killed.
   * @default 5000
   */
  drainTimeoutMs?: number;
  /**
   * 'end': the response has ended when the handler ended it. 'finish': when the kernel took the last byte, so
   * that a slow reader holds the connection.
   * @default 'end'
   */
  releaseOn?: 'end' | 'finish';
  /**
   * What happens to work after the end. 'allow': each late statement gets a connection of its own. 'reject':
   * it fails with `SCOPE_ENDED`. 'cancel': the same, and what is in flight when the client leaves is killed.
   * @default 'allow'
   */
  afterResponse?: 'allow' | 'reject' | 'cancel';
}

export interface PoolOptions extends RouteOptions {
  /** `mysql://user:password@host:port/schema?option=value`. Required unless `connection` is given. */
  uri?: string | undefined;
  /** mysql2's connection options, or a function that returns them (a promise is awaited), called for each open. */
  connection?: ConnectionOptions | (() => ConnectionOptions | Promise<ConnectionOptions>);
  /** Names the pool in errors, events and on the server. @default 'default' (plugins: the value of `as`) */
  name?: string;
  /** The pool never has more connections than this. @default 10 */
  max?: number;
  /** Idle connections above this are closed when they come back. @default max */
  maxIdle?: number;
  /** This many connections are kept ready beyond those in use, from the start, as far as `max` allows. @default 0 */
  minIdle?: number;
  /** Acquires that may wait; one more fails with `QUEUE_FULL`. 0 = nobody waits. @default 10000 */
  maxPending?: number;
  /** A connection unused for this long is closed, in ms; `minIdle` of them stay. 0 = never. @default 300000 */
  idleTimeoutMs?: number;
  /** A connection older than this is replaced, in ms, shortened by up to 10 % at random. 0 = never. @default 1800000 */
  maxLifetimeMs?: number;
  /** Connections that may be opening at the same time. @default 2 */
  maxOpening?: number;
  /** Which idle connection is used first: the one that came back last, or the one that waited longest. @default 'lifo' */
  reuse?: 'lifo' | 'fifo';
  /** Deadline for one attempt to connect, in ms; kept below `acquireTimeoutMs`, so that the cause is known. @default 3000 */
  connectTimeoutMs?: number;
  /**
   * 'context': `query()` refuses arrays and objects after a comparison operator. 'all': everywhere. 'off': nowhere.
   * @default 'context'
   */
  strictParams?: StrictParams;
}

export interface ScopeSettings {
  readonly acquireTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly releaseOn: 'end' | 'finish';
  readonly afterResponse: 'allow' | 'reject' | 'cancel';
}

export interface PoolSettings extends ScopeSettings {
  readonly name: string;
  readonly max: number;
  readonly maxIdle: number;
  readonly minIdle: number;
  readonly maxPending: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly maxOpening: number;
  readonly reuse: 'lifo' | 'fifo';
  readonly connectTimeoutMs: number;
  readonly strictParams: StrictParams;
  /** Not printable: holds the password. */
  readonly source: ConnectionSource;
}

export const ROUTE_RULES: Rules = {
  acquireTimeoutMs: deadline,
  drainTimeoutMs: duration,
  releaseOn: oneOf('end', 'finish'),
  afterResponse: oneOf('allow', 'reject', 'cancel'),
};

const ANYTHING = { allowed: 'anything', accepts: () => true };

const POOL_RULES: Rules = {
  ...ROUTE_RULES,
  // Judged together, in connection-source.ts.
  uri: ANYTHING,
  connection: ANYTHING,
  name: text,
  max: count(1),
  maxIdle: count(0),
  minIdle: count(0),
  maxPending: count(0),
  idleTimeoutMs: duration,
  maxLifetimeMs: duration,
  maxOpening: count(1),
  reuse: oneOf('lifo', 'fifo'),
  connectTimeoutMs: positiveDuration,
  strictParams: oneOf('context', 'off', 'all'),
};

/** Options of a plugin beyond the pool's. */
export const PLUGIN_RULES: Rules = { as: text, pool: ANYTHING, skip: anyFunction };

export const POOL_OPTION_NAMES: readonly string[] = Object.keys(POOL_RULES);

/** Share of the acquire deadline that one attempt to connect may use. */
const CONNECT_SHARE = 0.8;

function capConnectTimeout(connectTimeoutMs: number, acquireTimeoutMs: number): number {
  if (acquireTimeoutMs === 0) return connectTimeoutMs;
  return Math.max(1, Math.min(connectTimeoutMs, Math.floor(acquireTimeoutMs * CONNECT_SHARE)));
}

/** @throws {HandbackError} INVALID_OPTION */
export function readPoolOptions(given: PoolOptions | string): PoolSettings {
  const options: PoolOptions = typeof given === 'string' ? { uri: given } : given;
  checkOptions(options, POOL_RULES, 'the pool options');
  const { uri, connection } = options;
  const max = options.max ?? 10;
  const minIdle = options.minIdle ?? 0;
  const maxIdle = options.maxIdle ?? max;
  if (minIdle > max) throw invalid('minIdle', `at most max (${max})`, minIdle);
  if (maxIdle > max) throw invalid('maxIdle', `at most max (${max})`, maxIdle);
  if (minIdle > maxIdle) throw invalid('minIdle', `at most maxIdle (${maxIdle})`, minIdle);
  const scope = mergeRouteOptions(DEFAULT_SCOPE, options);
  return {
    ...scope,
    name: options.name ?? 'default',
    max,
    maxIdle,
    minIdle,
    maxPending: options.maxPending ?? 10_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 300_000,
    maxLifetimeMs: options.maxLifetimeMs ?? 1_800_000,
    maxOpening: options.maxOpening ?? 2,
    reuse: options.reuse ?? 'lifo',
    connectTimeoutMs: capConnectTimeout(options.connectTimeoutMs ?? 3_000, scope.acquireTimeoutMs),
    strictParams: options.strictParams ?? 'context',
    source: resolveSource(uri, connection),
  };
}

const DEFAULT_SCOPE: ScopeSettings = {
  acquireTimeoutMs: 5_000,
  drainTimeoutMs: 5_000,
  releaseOn: 'end',
  afterResponse: 'allow',
};

/** What a route says on top of its pool. `given` has been checked. */
export function mergeRouteOptions(base: ScopeSettings, given: RouteOptions): ScopeSettings {
  return {
    acquireTimeoutMs: given.acquireTimeoutMs ?? base.acquireTimeoutMs,
    drainTimeoutMs: given.drainTimeoutMs ?? base.drainTimeoutMs,
    releaseOn: given.releaseOn ?? base.releaseOn,
    afterResponse: given.afterResponse ?? base.afterResponse,
  };
}

/** @throws {HandbackError} INVALID_OPTION */
export function checkRouteOptions(given: unknown): asserts given is RouteOptions {
  checkOptions(given, ROUTE_RULES, 'the route options');
}
