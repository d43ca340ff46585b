import type { Finding } from '../findings.js';

interface Refusal {
  readonly title: string;
  readonly change: string;
}

/** Ways to be refused that are what somebody came to ask about. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  ER_CON_COUNT_ERROR: {
    title: 'the server is full: it refuses connections (max_connections)',
    change:
      'get in: one connection beyond the limit is kept for an account with SUPER or CONNECTION ADMIN (MySQL: CONNECTION_ADMIN); MariaDB listens at extra_port, MySQL at admin_port, where configured, for their own connections. Then `handback doctor` as that account shows who has them; the sockets of this host are below',
  },
  ER_TOO_MANY_USER_CONNECTIONS: {
    title: 'this account has all the connections it may have (max_user_connections)',
    change:
      'look with another account; make the pools of this one smaller or raise its limit (ALTER USER … WITH MAX_USER_CONNECTIONS)',
  },
  ER_USER_LIMIT_REACHED: {
    title: 'this account has used up a limit of its own',
    change: 'look with another account; SHOW CREATE USER names the limit, ALTER USER … WITH changes it',
  },
  ER_HOST_IS_BLOCKED: {
    title: 'the server has blocked this host, after max_connect_errors interrupted handshakes',
    change:
      'find what opens its port and hangs up (a health check?), then FLUSH HOSTS (MySQL 8.0.23 and later: TRUNCATE performance_schema.host_cache)',
  },
};

/** A refusal to let us in that is a finding itself; null = a failure. */
export function refusalFinding(code: string | undefined, message: string): Finding | null {
  const refusal = code === undefined ? undefined : REFUSALS[code];
  if (!refusal) return null;
  return {
    id: 'refused',
    severity: 'critical',
    title: refusal.title,
    evidence: [message],
    change: refusal.change,
  };
}
