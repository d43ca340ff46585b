import { count, plural } from '../../durations.js';
import type { Finding } from '../../findings.js';
import type { Expectation, PoolLimits } from '../expectation.js';
import { numberOf, type Picture } from '../picture.js';

/** `max 10 (Handback's default)`, or where the figure is from. */
function shown(expected: Expectation, name: keyof PoolLimits): string {
  return `${name} ${expected[name]}${expected.assumed.has(name) ? " (Handback's default, assumed)" : ''}`;
}

const RESERVED_SHARE = 0.1;

/** All pools together against the server's limit: processes x (max + 1 control connection). */
export function connectionBudget({ server, expected, threads, seesAllThreads }: Picture): Finding[] {
  const ofServer = numberOf(server.variables, 'max_connections') ?? 0;
  const ofAccount = server.maxUserConnections;
  const perAccount = ofAccount > 0 && ofAccount < ofServer;
  const limit = perAccount ? ofAccount : ofServer;
  const limitName = `${perAccount ? 'max_user_connections' : 'max_connections'} ${count(limit)}`;
  const perProcess = expected.max + 1;
  const each = `${shown(expected, 'max')} + 1 control connection = ${perProcess} per process`;
  if (expected.processes === undefined) {
    const room = Math.floor(limit / perProcess);
    return [
      {
        id: 'connection-budget',
        severity: room === 0 ? 'critical' : 'info',
        title: `room for ${count(room)} ${room === 1 ? 'process' : 'processes'} with such a pool`,
        evidence: [each, `${limitName} / ${perProcess} = ${room}`],
        change:
          room === 0
            ? `max ${count(Math.max(1, limit - 1))} or less`
            : '--processes 20x32 says how many there are, and this becomes a verdict',
      },
    ];
  }
  const { processes, processesText } = expected;
  const wanted = processes * perProcess;
  const user = server.account.slice(0, server.account.lastIndexOf('@'));
  const others = perAccount ? 0 : threads.filter((thread) => thread.user !== user && isClient(thread)).length;
  const usable = Math.floor(limit * (1 - RESERVED_SHARE)) - others;
  const fits = wanted <= usable;
  const fitting = Math.floor(usable / processes) - 1;
  return [
    {
      id: 'connection-budget',
      severity: wanted > limit ? 'critical' : fits ? 'ok' : 'warning',
      title: `${plural(processes, 'process', 'processes')} may open ${count(wanted)} connections, of at most ${count(limit)}`,
      evidence: [
        each,
        `${processesText === String(processes) ? '' : `${processesText} = `}${count(processes)} x ${perProcess} = ${count(wanted)} ${wanted > limit ? '>' : '<='} ${limitName}`,
        `usable: ${count(limit)} - 10 % for others and the operator - ${count(others)} of other users now${seesAllThreads ? '' : ' (not all are seen)'} = ${count(usable)}`,
      ],
      change: fits
        ? undefined
        : fitting >= 1
          ? `max ${count(fitting)}: (${count(usable)} / ${count(processes)}) - 1, rounded down; or fewer processes`
          : `no max is small enough for ${count(processes)} processes: have fewer, or a pooling proxy in front, or max_connections above ${count(Math.ceil(wanted / (1 - RESERVED_SHARE)) + others)}`,
    },
  ];
}

function isClient({ user, command }: { user: string; command: string }): boolean {
  return user !== 'system user' && user !== 'event_scheduler' && command !== 'Daemon';
}

const SAFETY_MS = 45_000;
const LEAST_SHARE = 0.25;

/** "MySQL connection not available": the server closes what the pool thinks it has. */
export function idleTimeout({ server, expected }: Picture): Finding[] {
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
      change: tooLong
        ? `idleTimeoutMs ${limit}, or wait_timeout ${Math.ceil(idleTimeoutMs / 1_000) + SAFETY_MS / 1_000} s or more`
        : undefined,
    },
  ];
}

/** The server ends statements by itself, before the pool does. */
export function statementTimeout({ server, expected }: Picture): Finding[] {
  const { variables, isMariaDb } = server;
  const name = isMariaDb ? 'max_statement_time' : 'max_execution_time';
  const value = numberOf(variables, name);
  if (value === undefined) return [];
  const ms = isMariaDb ? value * 1_000 : value;
  const unit = isMariaDb ? `${value} s` : `${value} ms`;
  const { queryTimeoutMs } = expected;
  const earlier = ms > 0 && (queryTimeoutMs === 0 || ms <= queryTimeoutMs);
  return [
    {
      id: 'statement-timeout',
      severity: earlier ? 'warning' : 'ok',
      title: earlier
        ? `the server ends statements before the pool does (${name} ${unit})`
        : `statements are ended by the pool${ms === 0 ? ` alone (${name} 0)` : `, then by the server (${name} ${unit})`}`,
      evidence: [
        `${name} ${unit} = ${ms} ms ${earlier ? '<=' : ms === 0 ? '(off)' : '>'} ${shown(expected, 'queryTimeoutMs')}`,
      ],
      change: earlier
        ? `queryTimeoutMs below ${ms}, or ${name} above ${queryTimeoutMs} ms: else the application meets the server's error instead of QUERY_TIMEOUT`
        : undefined,
    },
  ];
}

/** How long a statement may wait for somebody else's lock. */
export function lockTimeouts({ server, expected }: Picture): Finding[] {
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
        `innodb_lock_wait_timeout ${rows} s = ${rows * 1_000} ms ${later ? '>=' : '<'} ${shown(expected, 'queryTimeoutMs')}`,
        `lock_wait_timeout ${metadata} s: how long DDL, and all who come after it, may wait where no query timeout ends them`,
      ],
      change: later
        ? `innodb_lock_wait_timeout below ${Math.floor(queryTimeoutMs / 1_000)} s: then transaction(fn, { retries }) sees error 1205 and tries again`
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
export function idleTransactionTimeout({ server, expected }: Picture): Finding[] {
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
        ([name, seconds]) =>
          `${name} ${seconds} s = ${seconds * 1_000} ms ${seconds * 1_000 <= expected.leakAfterMs ? '<=' : '>'} ${shown(expected, 'leakAfterMs')}`,
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
export function networkTimeouts({ server, expected }: Picture): Finding[] {
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
