import type { PoolStats } from '@handback/core';

/** Seconds. From what an idle connection takes to the default of `acquireTimeoutMs`, and beyond it. */
export const DEFAULT_BUCKETS: readonly number[] = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export const STATES = [
  'idle',
  'leased',
  'opening',
  'validating',
  'resetting',
  'draining',
  'ghost',
  'closing',
] as const satisfies readonly (keyof PoolStats)[];

type Numbers = { [Name in keyof PoolStats]: PoolStats[Name] extends number ? Name : never }[keyof PoolStats];

export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly stat: Numbers;
}

/** Read off `pool.stats()` when they are asked for. */
export const GAUGES: readonly Reading[] = [
  { name: 'connections_max', stat: 'max', help: 'Connections the pool may have.' },
  { name: 'connections_idle_max', stat: 'maxIdle', help: 'Idle connections the pool keeps at most.' },
  { name: 'connections_idle_min', stat: 'minIdle', help: 'Idle connections the pool keeps at least.' },
  { name: 'acquires_pending', stat: 'pending', help: 'Acquires that wait for a connection.' },
];

/** The same, counted since the pool was made. */
export const COUNTERS: readonly Reading[] = [
  { name: 'connections_opened_total', stat: 'opened', help: 'Attempts to open, failed ones included.' },
  {
    name: 'connections_closed_total',
    stat: 'closed',
    help: 'Connections that are gone, failed opens included.',
  },
  { name: 'acquires_total', stat: 'acquired', help: 'Leases that began.' },
  { name: 'releases_total', stat: 'released', help: 'Leases that ended.' },
  { name: 'releases_clean_total', stat: 'cleanReleases', help: 'Leases that ended without a round trip.' },
  { name: 'acquire_timeouts_total', stat: 'timedOut', help: 'Acquires that met their deadline.' },
  { name: 'acquires_shed_total', stat: 'shed', help: 'Acquires refused because of load.' },
  { name: 'resets_total', stat: 'reset', help: 'Sessions that were reset before reuse.' },
  { name: 'validations_total', stat: 'validated', help: 'Unused connections that were asked, and live.' },
  {
    name: 'statements_retried_total',
    stat: 'retried',
    help: 'Statements that went to another connection unsent.',
  },
  {
    name: 'transactions_retried_total',
    stat: 'retriedTransactions',
    help: 'Further attempts of transaction(fn, { retries }).',
  },
  { name: 'statements_timed_out_total', stat: 'queryTimedOut', help: 'Statements killed at queryTimeoutMs.' },
];

export interface Definition {
  readonly name: string;
  readonly help: string;
  /** Beside `pool`. */
  readonly labels: readonly string[];
}

export const CONNECTIONS: Definition = {
  name: 'connections',
  help: 'Connections by state; their sum is opened minus closed.',
  labels: ['state'],
};

export const EVICTIONS: Definition = {
  name: 'evictions_total',
  help: 'Connections that the pool stopped using, by reason.',
  labels: ['reason'],
};

/** Counted from events, since `collectMetrics` was called. */
export const EVENTS = {
  acquireFailures: {
    name: 'acquire_failures_total',
    help: 'Acquires that ended without a connection, by the code of their error; WITHDRAWN = nobody waited any more.',
    labels: ['route', 'code'],
  },
  rollbacks: {
    name: 'rollbacks_total',
    help: 'Transactions that were left open and rolled back.',
    labels: ['route'],
  },
  late: {
    name: 'late_total',
    help: 'Pieces of work that began after their request had ended.',
    labels: ['route'],
  },
  leaks: { name: 'leaks_total', help: 'Connections held for longer than leakAfterMs.', labels: ['route'] },
  kills: {
    name: 'statements_killed_total',
    help: 'Statements that were killed: drain = outlived their request, timeout, signal, abandoned.',
    labels: ['route', 'reason'],
  },
  openFailures: { name: 'open_failures_total', help: 'Attempts to open that failed.', labels: [] },
} as const satisfies Record<string, Definition>;

/** In seconds. */
export const HISTOGRAMS = {
  wait: {
    name: 'acquire_wait_seconds',
    help: 'How long acquires waited, for a connection or in vain.',
    labels: ['route'],
  },
  hold: { name: 'lease_hold_seconds', help: 'From the acquire to the release.', labels: ['route'] },
  use: { name: 'lease_use_seconds', help: 'For how long statements ran on a lease.', labels: ['route'] },
  open: { name: 'open_seconds', help: 'How long opening a connection took.', labels: [] },
  reset: { name: 'reset_seconds', help: 'How long cleaning a session took.', labels: [] },
} as const satisfies Record<string, Definition>;

/** Every name, without the prefix. */
export const NAMES: readonly string[] = [
  CONNECTIONS,
  EVICTIONS,
  ...GAUGES,
  ...COUNTERS,
  ...Object.values(EVENTS),
  ...Object.values(HISTOGRAMS),
].map(({ name }) => name);
