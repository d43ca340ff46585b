import { count, duration, percent, plural } from '../../durations.js';
import type { Finding, Severity } from '../../findings.js';
import { firstOf, ownUser } from '../names.js';
import { numberOf, type Picture } from '../picture.js';

const CRITICAL_SHARE = 0.9;
const WARNING_SHARE = 0.75;

function severityOf(used: number, limit: number): Severity {
  if (used >= limit * CRITICAL_SHARE) return 'critical';
  return used >= limit * WARNING_SHARE ? 'warning' : 'ok';
}

const LESS =
  'see which user and program has them, make its pools smaller or close who sleeps; more memory for a higher max_connections is the last resort';

/** How far the server is from its limit at the moment. */
export function connectionsNow({ server, status }: Picture): Finding[] {
  const limit = numberOf(server.variables, 'max_connections');
  const connected = numberOf(status, 'threads_connected');
  if (limit === undefined || connected === undefined) return [];
  const severity = severityOf(connected, limit);
  return [
    {
      id: 'connections-now',
      severity,
      title: `${plural(connected, 'connection')} of at most ${count(limit)}`,
      evidence: [
        `Threads_connected ${count(connected)} (this one included) of max_connections ${count(limit)}: ${percent(connected, limit)}, room for ${count(Math.max(0, limit - connected))} more`,
        `Threads_running ${count(numberOf(status, 'threads_running') ?? 0)}`,
        ...extraPort(server),
      ],
      change: severity === 'ok' ? undefined : LESS,
    },
  ];
}

/** MariaDB's other door, for when the first is full. */
function extraPort({ variables, isMariaDb }: Picture['server']): string[] {
  if (!isMariaDb) return [];
  const port = numberOf(variables, 'extra_port') ?? 0;
  const room = numberOf(variables, 'extra_max_connections') ?? 0;
  return [
    port === 0
      ? 'extra_port 0: when it is full, one administrator gets in (SUPER or CONNECTION ADMIN), and nobody else'
      : `extra_port ${port}: when it is full, ${plural(room, 'connection')} more there (extra_max_connections)`,
  ];
}

/** The most there ever were, and whether somebody was refused. */
export function connectionsHighWater({ server, status }: Picture): Finding[] {
  const limit = numberOf(server.variables, 'max_connections');
  const most = numberOf(status, 'max_used_connections');
  if (limit === undefined || most === undefined) return [];
  const refused = numberOf(status, 'connection_errors_max_connections') ?? 0;
  const seconds = numberOf(status, 'uptime_since_flush_status') ?? numberOf(status, 'uptime') ?? 0;
  const when = status.get('max_used_connections_time');
  const full = refused > 0 || most >= limit;
  const near = full || most >= limit * CRITICAL_SHARE;
  return [
    {
      id: 'connections-high-water',
      severity: near ? 'warning' : 'ok',
      title: full
        ? `the limit was reached: ${plural(refused, 'attempt')} to connect refused, or more`
        : `${plural(most, 'connection')} at the most, of ${count(limit)}`,
      // The one connection beyond the limit, kept for administrators, is asked for their privilege after the login: not counted.
      evidence: [
        `Max_used_connections ${count(most)} of max_connections ${count(limit)}: ${percent(most, limit)}${when ? ` (${when})` : ''}, in the last ${duration(seconds * 1_000)}`,
        `Connection_errors_max_connections ${count(refused)}`,
      ],
      change: near
        ? `bound what all pools may open together: processes x (max + 1) below max_connections (--processes does the sum); FLUSH STATUS begins the count anew`
        : undefined,
    },
  ];
}

/** The account's own limit, which is reached before the server's. */
export function accountLimit({ server, threads, ownId }: Picture): Finding[] {
  const limit = server.maxUserConnections;
  if (limit === 0) return [];
  const user = ownUser({ threads, ownId });
  const used = threads.filter((thread) => thread.user === user).length;
  const severity = severityOf(used, limit);
  return [
    {
      id: 'account-limit',
      severity,
      title: `${plural(used, 'connection')} of the ${count(limit)} that ${server.account} may have`,
      evidence: [`max_user_connections ${count(limit)}, in use ${count(used)}: ${percent(used, limit)}`],
      change:
        severity === 'ok'
          ? undefined
          : `make the pools of this account smaller, or ALTER USER … WITH MAX_USER_CONNECTIONS ${count(limit * 2)}`,
    },
  ];
}

const FEW = 20;
const ABORTED_SHARE = 0.01;

/** Clients that went without a goodbye, and attempts that failed. */
export function aborted({ status, sample, server }: Picture): Finding[] {
  const connections = numberOf(status, 'connections') ?? 0;
  return [
    abortedOf({
      id: 'aborted-clients',
      name: 'Aborted_clients',
      noun: 'client',
      went: 'went without a goodbye',
      change: `a process that is killed, a network or firewall that cuts, a client idle for longer than wait_timeout (${server.variables.get('wait_timeout')} s) or slower than net_write_timeout: give the pools an idle timeout below wait_timeout, and end processes with SIGTERM`,
    }),
    abortedOf({
      id: 'aborted-connects',
      name: 'Aborted_connects',
      noun: 'attempt',
      went: 'to connect failed',
      change:
        'wrong passwords or schemas, probes that only open the port (health checks of balancers), handshakes slower than connect_timeout: the server writes each to its error log with log_warnings = 2 (MySQL: log_error_verbosity = 3)',
    }),
  ];

  function abortedOf(kind: {
    id: string;
    name: string;
    noun: string;
    went: string;
    change: string;
  }): Finding {
    const { id, name, noun, went, change } = kind;
    const total = numberOf(status, name.toLowerCase()) ?? 0;
    const before = sample && numberOf(sample.before, name.toLowerCase());
    const now = before === undefined ? 0 : total - before;
    const share = connections === 0 ? 0 : total / connections;
    const many = now > 0 || (total >= FEW && share >= ABORTED_SHARE);
    return {
      id,
      severity: many ? 'warning' : 'ok',
      title: `${plural(total, noun)} ${went}`,
      evidence: [
        `${name} ${count(total)} of ${count(connections)} connections: ${(share * 100).toFixed(1)} %; reported from ${FEW} and ${ABORTED_SHARE * 100} % on`,
        ...(sample ? [`in the last ${sample.seconds} s: ${count(now)}`] : []),
      ],
      change: many ? change : undefined,
    };
  }
}

const MANY_LOGINS = 5;

/** Whoever has connected and is not logged in yet. */
export function logins({ threads, seesAllThreads, server }: Picture): Finding[] {
  if (!seesAllThreads) return [];
  const pending = threads.filter(({ user }) => user === 'unauthenticated user');
  const many = pending.length >= MANY_LOGINS;
  return [
    {
      id: 'logins',
      severity: many ? 'warning' : 'ok',
      title: `${plural(pending.length, 'connection')} not logged in yet`,
      evidence: [
        `each counts against max_connections, for connect_timeout ${server.variables.get('connect_timeout')} s at the most; reported from ${MANY_LOGINS} on`,
        ...firstOf(
          pending,
          ({ id, host, port }) => `#${id} from ${host}${port === undefined ? '' : `:${port}`}`,
        ),
      ],
      change: many
        ? 'probes that only open the port, a slow name service (skip-name-resolve), or more logins than the server can check: fewer, longer-lived connections'
        : undefined,
    },
  ];
}

const MANY_PER_SECOND = 10;

/** A connection per request shows here. */
export function connectionRate({ status, sample, sockets }: Picture): Finding[] {
  const total = numberOf(status, 'connections') ?? 0;
  const uptime = numberOf(status, 'uptime') ?? 0;
  const before = sample && numberOf(sample.before, 'connections');
  if (sample === undefined || before === undefined) return [];
  const rate = (total - before) / sample.seconds;
  const many = rate >= MANY_PER_SECOND;
  return [
    {
      id: 'connection-rate',
      severity: many ? 'warning' : 'ok',
      title: `${rate.toFixed(1)} new connections per second`,
      evidence: [
        `Connections grew by ${count(total - before)} in ${sample.seconds} s; on average since the start ${(total / Math.max(1, uptime)).toFixed(1)} per second`,
        `Threads_created ${count(numberOf(status, 'threads_created') ?? 0)} of ${count(total)}: the others found a cached thread (thread_cache_size)`,
        ...(sockets && sockets.timeWait > 0
          ? [
              `on this host ${plural(sockets.timeWait, 'socket')} to the server in TIME_WAIT: closed within the last minute`,
            ]
          : []),
      ],
      change: many
        ? 'somebody connects for each request: give it a persistent pool; the logins alone cost a round trip or more each'
        : undefined,
    },
  ];
}
