import type { Sizes } from './options.js';
import type { Slots } from './slots.js';
import type { EvictReason } from './states.js';

/** Counters since the pool was created. */
export class Counters {
  acquired = 0;
  released = 0;
  timedOut = 0;
  shed = 0;
  late = 0;
  rolledBack = 0;
  reset = 0;
  cleanReleases = 0;
  validated = 0;
  retried = 0;
  retriedTransactions = 0;
  queryTimedOut = 0;
  leaked = 0;
  readonly evicted: Record<EvictReason, number> = {
    idle: 0,
    lifetime: 0,
    uses: 0,
    maxIdle: 0,
    resized: 0,
    broken: 0,
    validation: 0,
    distrusted: 0,
    stale: 0,
    charset: 0,
    schema: 0,
    role: 0,
    unresettable: 0,
    exposed: 0,
    'reset-failed': 0,
    undrained: 0,
    maxHold: 0,
    'pool-closed': 0,
  };
}

/**
 * A snapshot. `opened - closed` is always the sum of the states `idle, leased, opening, validating, resetting,
 * draining, ghost, closing`.
 */
export interface PoolStats {
  /** Connections the pool may have. */
  readonly max: number;
  /** Idle connections it keeps, at most and at least. */
  readonly maxIdle: number;
  readonly minIdle: number;
  /** In the pool and ready. */
  readonly idle: number;
  /** Out. */
  readonly leased: number;
  readonly opening: number;
  readonly validating: number;
  readonly resetting: number;
  /** Given back while a statement still runs. */
  readonly draining: number;
  /** Socket cut while the server's thread may still run; counts against `max`. */
  readonly ghost: number;
  readonly closing: number;
  /** Acquires that wait. */
  readonly pending: number;
  /** Attempts to open, failed ones included (those count as closed too). */
  readonly opened: number;
  readonly closed: number;
  /** Connections the pool stopped using, by reason. */
  readonly evicted: Readonly<Record<EvictReason, number>>;
  readonly acquired: number;
  readonly released: number;
  /** Acquires that met their deadline. */
  readonly timedOut: number;
  /** Acquires refused because of load: at once (`QUEUE_FULL`), or early (`OVERLOADED`). */
  readonly shed: number;
  /** Pieces of work that began after their request had ended. */
  readonly late: number;
  /** Transactions that were open at the end of their lease. */
  readonly rolledBack: number;
  /** Sessions that were reset before reuse. */
  readonly reset: number;
  /** Releases that took no round trip. */
  readonly cleanReleases: number;
  /** Idle connections that were asked, or looked at, before they were handed out, and live. */
  readonly validated: number;
  /** Statements that could not be sent on a dead connection and went to another. */
  readonly retried: number;
  /** Further attempts of `transaction(fn, { retries })`. */
  readonly retriedTransactions: number;
  /** Statements killed at `queryTimeoutMs`. */
  readonly queryTimedOut: number;
  /** Leases that were held longer than `leakAfterMs`. */
  readonly leaked: number;
}

export function snapshot(slots: Slots, counters: Counters, sizes: Sizes, pending: number): PoolStats {
  const { closed: _never, ...gauges } = slots.counts;
  const { evicted, ...counts } = counters;
  const { max, maxIdle, minIdle } = sizes;
  return {
    max,
    maxIdle,
    minIdle,
    ...gauges,
    pending,
    opened: slots.opened,
    closed: slots.closed,
    evicted: { ...evicted },
    ...counts,
  };
}
