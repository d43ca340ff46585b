import { resolveSource } from './connection-source.js';
import { FOREIGN_NAMES } from './foreign-names.js';
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
  script,
  text,
} from './option-rules.js';
import type {
  PoolOptions,
  PoolSettings,
  RouteOptions,
  ScopeSettings,
  ShownOptions,
  Sizes,
} from './options.js';
import { checkRequestOptions, flag, requestTransaction, transactionSetting } from './request-options.js';

export const SCOPE_RULES: Rules = {
  acquireTimeoutMs: deadline,
  drainTimeoutMs: duration,
  releaseOn: oneOf('end', 'finish'),
  afterResponse: oneOf('allow', 'reject', 'cancel'),
  queryTimeoutMs: duration,
  leakAfterMs: duration,
  maxHoldMs: duration,
  idleHandBackMs: duration,
  log: count(0),
};

const REQUEST_RULES: Rules = { transaction: requestTransaction, readOnly: flag };

const ROUTE_RULES: Rules = { ...SCOPE_RULES, ...REQUEST_RULES };

const ANYTHING = { allowed: 'anything', accepts: () => true };

const POOL_RULES: Rules = {
  ...SCOPE_RULES,
  // Judged together, in connection-source.ts.
  uri: ANYTHING,
  connection: ANYTHING,
  name: text,
  max: count(1),
  maxIdle: count(0),
  minIdle: count(0),
  queue: oneOf('adaptive', 'fifo'),
  maxPending: count(0),
  idleTimeoutMs: duration,
  maxLifetimeMs: duration,
  maxOpening: count(1),
  reuse: oneOf('lifo', 'fifo'),
  connectTimeoutMs: positiveDuration,
  strictParams: oneOf('context', 'off', 'all'),
  maxUses: count(0),
  validate: oneOf('idle', 'always', 'never'),
  validateAfterMs: duration,
  validateTimeoutMs: positiveDuration,
  onConnect: script,
  reset: oneOf('auto', 'always', 'rollback'),
  onDoubleAcquire: oneOf('warn', 'error', 'allow'),
  context: flag,
  tag: flag,
  behindProxy: flag,
};

/** Options of a plugin beyond the pool's. */
export const PLUGIN_RULES: Rules = {
  as: text,
  pool: ANYTHING,
  skip: anyFunction,
  context: flag,
  ...REQUEST_RULES,
};

export const POOL_OPTION_NAMES: readonly string[] = Object.keys(POOL_RULES);

/** Share of the acquire deadline that one attempt to connect may use. */
const CONNECT_SHARE = 0.8;

function capConnectTimeout(connectTimeoutMs: number, acquireTimeoutMs: number): number {
  if (acquireTimeoutMs === 0) return connectTimeoutMs;
  return Math.max(1, Math.min(connectTimeoutMs, Math.floor(acquireTimeoutMs * CONNECT_SHARE)));
}

/** In a slow network a reset is several round trips: however short an acquire is, a connection is not cut sooner for that. */
const LEAST_RESET_MS = 1_000;

/** Not far above the acquire deadline: who waits counts on what is being reset, and nothing is opened for them meanwhile. */
function resetTimeout(connectTimeoutMs: number, acquireTimeoutMs: number): number {
  const least = Math.min(connectTimeoutMs, LEAST_RESET_MS);
  return Math.max(least, capConnectTimeout(connectTimeoutMs, acquireTimeoutMs));
}

/** @throws {HandbackError} INVALID_OPTION */
export function readPoolOptions(given: PoolOptions | string): PoolSettings {
  const options: PoolOptions = typeof given === 'string' ? { uri: given } : given;
  checkOptions(options, POOL_RULES, 'the pool options', FOREIGN_NAMES);
  const { uri, connection } = options;
  const max = options.max ?? 10;
  const minIdle = options.minIdle ?? 0;
  const maxIdle = options.maxIdle ?? max;
  checkSizes({ max, maxIdle, minIdle });
  const scope = mergeRouteOptions(DEFAULT_SCOPE, options);
  const connectTimeoutMs = options.connectTimeoutMs ?? 3_000;
  return {
    ...scope,
    name: options.name ?? 'default',
    max,
    maxIdle,
    maxIdleGiven: options.maxIdle,
    minIdle,
    queue: options.queue ?? 'adaptive',
    maxPending: options.maxPending ?? 10_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 300_000,
    maxLifetimeMs: options.maxLifetimeMs ?? 1_800_000,
    maxOpening: options.maxOpening ?? 2,
    reuse: options.reuse ?? 'lifo',
    connectTimeoutMs: capConnectTimeout(connectTimeoutMs, scope.acquireTimeoutMs),
    resetTimeoutMs: resetTimeout(connectTimeoutMs, scope.acquireTimeoutMs),
    strictParams: options.strictParams ?? 'context',
    maxUses: options.maxUses ?? 0,
    validate: options.validate ?? 'idle',
    validateAfterMs: options.validateAfterMs ?? 500,
    validateTimeoutMs: options.validateTimeoutMs ?? 1_000,
    onConnect: options.onConnect,
    reset: options.reset ?? 'auto',
    onDoubleAcquire: options.onDoubleAcquire ?? 'warn',
    context: options.context ?? false,
    tag: options.tag ?? false,
    behindProxy: options.behindProxy ?? false,
    source: resolveSource(uri, connection),
  };
}

const DEFAULT_SCOPE: ScopeSettings = {
  transaction: null,
  acquireTimeoutMs: 5_000,
  drainTimeoutMs: 5_000,
  releaseOn: 'end',
  afterResponse: 'allow',
  queryTimeoutMs: undefined,
  leakAfterMs: 30_000,
  maxHoldMs: 0,
  idleHandBackMs: undefined,
  log: 0,
};

/** @throws {HandbackError} INVALID_OPTION */
function checkSizes({ max, maxIdle, minIdle }: Sizes): void {
  if (minIdle > max) throw invalid('minIdle', `at most max (${max})`, minIdle);
  if (maxIdle > max) throw invalid('maxIdle', `at most max (${max})`, maxIdle);
  if (minIdle > maxIdle) throw invalid('minIdle', `at most maxIdle (${maxIdle})`, minIdle);
}

/** For whoever asks a pool; what a pool is given for its connections, or for what runs on them, stays with it. */
export function shownOptions(settings: PoolSettings): ShownOptions {
  const { source, onConnect, transaction, maxIdleGiven, resetTimeoutMs, ...shown } = settings;
  return shown;
}

/** The sizes that `resize(given)` asks for. @throws {HandbackError} INVALID_OPTION */
export function resized(settings: PoolSettings, given: unknown): Sizes {
  checkOptions(given, { max: count(1), minIdle: count(0) }, 'the sizes');
  const { max = settings.max, minIdle = settings.minIdle } = given as { max?: number; minIdle?: number };
  const maxIdle = Math.min(settings.maxIdleGiven ?? max, max);
  checkSizes({ max, maxIdle, minIdle });
  return { max, maxIdle, minIdle };
}

/** What a route says on top of its pool. `given` has been checked. */
export function mergeRouteOptions(base: ScopeSettings, given: RouteOptions): ScopeSettings {
  return {
    transaction: transactionSetting(base.transaction, given),
    acquireTimeoutMs: given.acquireTimeoutMs ?? base.acquireTimeoutMs,
    drainTimeoutMs: given.drainTimeoutMs ?? base.drainTimeoutMs,
    releaseOn: given.releaseOn ?? base.releaseOn,
    afterResponse: given.afterResponse ?? base.afterResponse,
    queryTimeoutMs: given.queryTimeoutMs ?? base.queryTimeoutMs,
    leakAfterMs: given.leakAfterMs ?? base.leakAfterMs,
    maxHoldMs: given.maxHoldMs ?? base.maxHoldMs,
    idleHandBackMs: given.idleHandBackMs ?? base.idleHandBackMs,
    log: given.log ?? base.log,
  };
}

/** @throws {HandbackError} INVALID_OPTION */
export function checkRouteOptions(given: unknown): asserts given is RouteOptions {
  checkOptions(given, ROUTE_RULES, 'the route options');
  checkRequestOptions(given as RouteOptions);
}
