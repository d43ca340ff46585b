import type { Finding } from '../../findings.js';
import type { Expectation, PoolLimits } from '../expectation.js';
import { numberOf, type ServerFacts } from '../picture.js';

/** What the timeouts of a pool are held against. */
export interface OnePool {
  readonly server: ServerFacts;
  readonly expected: Expectation;
}

/** `connectTimeoutMs 3000 (Handback's default, assumed)`, or where the figure is from. */
export function shown(expected: Expectation, name: keyof PoolLimits): string {
  return `${name} ${expected[name]}${expected.assumed.has(name) ? " (Handback's default, assumed)" : ''}`;
}

/** A limit of the server's against one of the pool's, where 0 is none: nothing is smaller than that. */
function against(ms: number, expected: Expectation, name: keyof PoolLimits): string {
  const pools = shown(expected, name);
  if (expected[name] === 0) return `${ms} ms, and ${pools} = none`;
  return `${ms} ms ${ms > expected[name] ? '>' : ms < expected[name] ? '<' : '='} ${pools}`;
}

const SAFETY_MS = 45_000;
const LEAST_SHARE = 0.25;

/** "MySQL connection not available": the server closes what the pool thinks it has. */
export function idleTimeout({ server, expected }: OnePool): Finding[] {
  const seconds = numberOf(server.variables, 'wait_timeout');
  if (seconds === undefined) return [];
  const wait = seconds * 1_000;
  const limit = Math.max(wait - SAFETY_MS, wait * LEAST_SHARE);
  const rule = limit === wait - SAFETY_MS ? `${wait} - ${SAFETY_MS}` : `25 % of ${wait}`;
  const { idleTimeoutMs } = expected;
  const tooLong = idleTimeoutMs === 0 || idleTimeoutMs > limit;
  return [
    {
      id: 'idle-timeout',
      severity: tooLong ? 'warning' : 'ok',
      title: tooLong
        ? `idle connections are kept for longer than the server allows (wait_timeout ${seconds} s)`
        : `idle connections are closed before the server does it (wait_timeout ${seconds} s)`,
      evidence: [
        `${shown(expected, 'idleTimeoutMs')}${idleTimeoutMs === 0 ? ' = never' : ''} ${tooLong ? '>' : '<='} ${rule} = ${limit} ms, the most that wait_timeout leaves`,
        'a pool of Handback uses the smaller of the two by itself; others give out connections that the server has closed',
      ],
      change: tooLong ? shorterIdle(limit, idleTimeoutMs) : undefined,
    },
  ];
}

function shorterIdle(limit: number, idleTimeoutMs: number): string {
  // No wait_timeout is long enough for who keeps them for ever.
  if (idleTimeoutMs === 0) return `idleTimeoutMs ${limit}`;
  return `idleTimeoutMs ${limit}, or wait_timeout ${Math.ceil(idleTimeoutMs / 1_000) + SAFETY_MS / 1_000} s or more`;
}

/** The server ends statements by itself, before the pool does. */
export function statementTimeout({ server, expected }: OnePool): Finding[] {
  const { variables, isMariaDb } = server;
  const name = isMariaDb ? 'max_statement_time' : 'max_execution_time';
  const value = numberOf(variables, name);
  if (value === undefined) return [];
  const ms = isMariaDb ? value * 1_000 : value;
  const unit = isMariaDb ? `${value} s` : `${value} ms`;
  const { queryTimeoutMs } = expected;
  const earlier = ms > 0 && (queryTimeoutMs === 0 || ms <= queryTimeoutMs);
  const endless = ms === 0 && queryTimeoutMs === 0;
  const byThePool = `statements are ended by the pool${ms === 0 ? ` alone (${name} 0)` : `, then by the server (${name} ${unit})`}`;
  return [
    {
      id: 'statement-timeout',
      severity: earlier ? 'warning' : endless ? 'info' : 'ok',
      title: earlier
        ? `the server ends statements before the pool does (${name} ${unit})`
        : endless
          ? `nobody ends statements (${name} 0)`
          : byThePool,
      evidence: [
        `${name} ${unit} = ${ms === 0 ? `none, and ${shown(expected, 'queryTimeoutMs')}` : against(ms, expected, 'queryTimeoutMs')}`,
      ],
      change: earlier
        ? `queryTimeoutMs below ${ms}, or ${name} ${queryTimeoutMs === 0 ? '0' : `above ${queryTimeoutMs} ms`}: else the application meets the server's error instead of QUERY_TIMEOUT`
        : endless
          ? 'a query timeout: a statement that never ends keeps its connection for ever'
          : undefined,
    },
  ];
}

/** How long a statement may wait for somebody else's lock. */
export function lockTimeouts({ server, expected }: OnePool): Finding[] {
  const rows = numberOf(server.variables, 'innodb_lock_wait_timeout');
  const metadata = numberOf(server.variables, 'lock_wait_timeout');
  if (rows === undefined || metadata === undefined) return [];
  const { queryTimeoutMs } = expected;
  const later = queryTimeoutMs > 0 && rows * 1_000 >= queryTimeoutMs;
  const endless = queryTimeoutMs === 0 && metadata > 3_600;
  return [
    {
      id: 'lock-timeouts',
      severity: endless ? 'warning' : later ? 'info' : 'ok',
      title: later
        ? `who waits for a lock is ended by the pool before the server gives up (innodb_lock_wait_timeout ${rows} s)`
        : `the server gives up waiting for a row's lock after ${rows} s, for a table's metadata after ${metadata} s`,
      evidence: [
        `innodb_lock_wait_timeout ${rows} s = ${against(rows * 1_000, expected, 'queryTimeoutMs')}`,
        `lock_wait_timeout ${metadata} s: how long DDL, and all who come after it, may wait where no query timeout ends them`,
      ],
      change: later
        ? `${queryTimeoutMs > 1_000 ? `innodb_lock_wait_timeout below ${Math.ceil(queryTimeoutMs / 1_000)} s` : `queryTimeoutMs above ${rows * 1_000}`}: then transaction(fn, { retries }) sees error 1205 and tries again`
        : endless
          ? 'a query timeout, or lock_wait_timeout of minutes'
          : undefined,
    },
  ];
}

const IDLE_TRANSACTION = [
  'idle_transaction_timeout',
  'idle_write_transaction_timeout',
  'idle_readonly_transaction_timeout',
];

/** MariaDB can cut sessions that sleep in a transaction: a belt, as long as it is not too tight. */
export function idleTransactionTimeout({ server, expected }: OnePool): Finding[] {
  const set = IDLE_TRANSACTION.map((name) => [name, numberOf(server.variables, name) ?? 0] as const).filter(
    ([, seconds]) => seconds > 0,
  );
  const tight = set.filter(([, seconds]) => seconds * 1_000 <= expected.leakAfterMs);
  if (set.length === 0) return [];
  return [
    {
      id: 'idle-transaction-timeout',
      severity: tight.length > 0 ? 'warning' : 'ok',
      title:
        tight.length > 0
          ? 'the server cuts sessions that pause in a transaction before the pool reports them'
          : 'the server cuts sessions that pause in a transaction',
      evidence: set.map(
        ([name, seconds]) => `${name} ${seconds} s = ${against(seconds * 1_000, expected, 'leakAfterMs')}`,
      ),
      change:
        tight.length > 0
          ? `${tight[0]?.[0]} above ${expected.leakAfterMs} ms: the pool's report names the route, a cut connection names nobody`
          : undefined,
    },
  ];
}

const LEAST_NET_SECONDS = 10;

/** Timeouts of the connection itself. */
export function networkTimeouts({ server, expected }: OnePool): Finding[] {
  const login = numberOf(server.variables, 'connect_timeout');
  if (login === undefined) return [];
  const { acquireTimeoutMs, connectTimeoutMs } = expected;
  const problems: string[] = [];
  const evidence = [
    `${shown(expected, 'connectTimeoutMs')} ${connectTimeoutMs < acquireTimeoutMs ? '<' : '>='} ${shown(expected, 'acquireTimeoutMs')}`,
    `connect_timeout ${login} s = ${login * 1_000} ms`,
  ];
  if (acquireTimeoutMs > 0 && connectTimeoutMs >= acquireTimeoutMs)
    problems.push('connectTimeoutMs below acquireTimeoutMs, so that the error names the cause');
  if (login * 1_000 < connectTimeoutMs)
    problems.push(
      `connect_timeout of ${Math.ceil(connectTimeoutMs / 1_000)} s or more, so that the pool gives up first`,
    );
  for (const name of ['net_read_timeout', 'net_write_timeout']) {
    const seconds = numberOf(server.variables, name) ?? LEAST_NET_SECONDS;
    evidence.push(`${name} ${seconds} s`);
    if (seconds < LEAST_NET_SECONDS)
      problems.push(
        `${name} of ${LEAST_NET_SECONDS} s or more: a client that is busy for longer, or reads a stream slowly, is cut`,
      );
  }
  return [
    {
      id: 'network-timeouts',
      severity: problems.length > 0 ? 'warning' : 'ok',
      title:
        problems.length > 0
          ? 'timeouts of the connection contradict each other'
          : 'timeouts of the connection fit',
      evidence,
      change: problems.length > 0 ? problems.join('; ') : undefined,
    },
  ];
}
