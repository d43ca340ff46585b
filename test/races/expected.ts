import type { Action } from './actions.js';
import type { ActorKind } from './actors.js';
import type { Point } from './peer/stop.js';

/** `lively`: the server goes on after what has happened; `silent`: to this one statement it never answers. */
type ByServer = string | { readonly lively: string; readonly silent: string };
type ByKind = ByServer | { readonly lease: ByServer; readonly request: ByServer };
type Table = Readonly<Record<Action, ByKind>>;

/** Nothing was sent yet: another connection does as well, and who wants none is not kept waiting. */
const OPENING: Table = {
  abort: { lease: 'acquire AbortError, next ok', request: 'acquire CLIENT_GONE, next ok' },
  timeout: 'acquire ok, next ok',
  release: 'acquire ok, next ok',
  'double release': 'acquire ok, next ok',
  close: 'acquire POOL_CLOSED, next POOL_CLOSED, close ok',
  FIN: 'acquire ok, next ok',
  RST: 'acquire ok, next ok',
  ERR: 'acquire OPEN_FAILED, next OPEN_FAILED',
};

/** What stands behind the query is sent elsewhere where it means the same there; a lease is one connection. */
const QUERYING: Table = {
  abort: {
    lease: 'query AbortError, behind AbortError, next ok',
    request: 'query QUERY_CANCELLED, behind LEASE_RELEASED, next ok',
  },
  timeout: {
    lively: 'query QUERY_TIMEOUT, behind ok, next ok',
    silent: 'query QUERY_TIMEOUT, behind CONNECTION_LOST, next ok',
  },
  release: {
    lively: 'query ok, behind ok, next ok',
    silent: 'query QUERY_CANCELLED, behind LEASE_RELEASED, next ok',
  },
  'double release': {
    lively: 'query ok, behind ok, next ok',
    silent: 'query QUERY_CANCELLED, behind LEASE_RELEASED, next ok',
  },
  close: {
    lease: {
      lively: 'query ok, behind ok, next POOL_CLOSED, close ok',
      silent: 'query POOL_CLOSED, behind CONNECTION_LOST, next POOL_CLOSED, close ok',
    },
    request: {
      lively: 'query ok, behind ok, next POOL_CLOSED, close ok',
      silent: 'query POOL_CLOSED, behind POOL_CLOSED, next POOL_CLOSED, close ok',
    },
  },
  FIN: {
    lease: 'query PROTOCOL_CONNECTION_LOST, behind CONNECTION_LOST, next ok',
    request: 'query PROTOCOL_CONNECTION_LOST, behind ok, next ok',
  },
  RST: {
    lease: 'query ECONNRESET, behind CONNECTION_LOST, next ok',
    request: 'query ECONNRESET, behind ok, next ok',
  },
  ERR: 'query ER_UNKNOWN_ERROR, behind ok, next ok',
};

/** Without an answer nobody knows; only the server's own refusal says that it was not done. */
const COMMITTING: Table = {
  abort: {
    lease: { lively: 'commit ok, next ok', silent: 'commit OUTCOME_UNKNOWN, next ok' },
    request: 'commit OUTCOME_UNKNOWN, next ok',
  },
  timeout: 'commit OUTCOME_UNKNOWN, next ok',
  release: { lively: 'commit ok, next ok', silent: 'commit OUTCOME_UNKNOWN, next ok' },
  'double release': { lively: 'commit ok, next ok', silent: 'commit OUTCOME_UNKNOWN, next ok' },
  close: {
    lively: 'commit ok, next POOL_CLOSED, close ok',
    silent: 'commit OUTCOME_UNKNOWN, next POOL_CLOSED, close ok',
  },
  FIN: 'commit OUTCOME_UNKNOWN, next ok',
  RST: 'commit OUTCOME_UNKNOWN, next ok',
  ERR: 'commit ER_ERROR_DURING_COMMIT, next ok',
};

const ROLLING_BACK: Table = {
  abort: {
    lease: { lively: 'rollback ok, next ok', silent: 'rollback QUERY_TIMEOUT, next ok' },
    request: 'rollback QUERY_CANCELLED, next ok',
  },
  timeout: 'rollback QUERY_TIMEOUT, next ok',
  release: { lively: 'rollback ok, next ok', silent: 'rollback QUERY_CANCELLED, next ok' },
  'double release': { lively: 'rollback ok, next ok', silent: 'rollback QUERY_CANCELLED, next ok' },
  close: {
    lively: 'rollback ok, next POOL_CLOSED, close ok',
    silent: 'rollback POOL_CLOSED, next POOL_CLOSED, close ok',
  },
  FIN: 'rollback PROTOCOL_CONNECTION_LOST, next ok',
  RST: 'rollback ECONNRESET, next ok',
  ERR: 'rollback ER_UNKNOWN_ERROR, next ok',
};

/** Nobody's statement runs: who waits gets this connection, or another. */
const READYING: Table = {
  abort: { lease: 'again AbortError, next ok', request: 'again CLIENT_GONE, next ok' },
  timeout: 'again ok, next ok',
  release: 'again ok, next ok',
  'double release': 'again ok, next ok',
  close: 'again POOL_CLOSED, next POOL_CLOSED, close ok',
  FIN: 'again ok, next ok',
  RST: 'again ok, next ok',
  ERR: 'again ok, next ok',
};

/** Until the KILL is acknowledged nothing is sent, for it could hit that; what can't be acknowledged costs the connection. */
const KILLING: Table = {
  abort: {
    lease: 'query AbortError, behind AbortError, next ok',
    request: 'query AbortError, behind LEASE_RELEASED, next ok',
  },
  timeout: 'query AbortError, behind CONNECTION_LOST, next ok',
  release: {
    lively: 'query AbortError, behind ok, next ok',
    silent: 'query AbortError, behind CONNECTION_LOST, next ok',
  },
  'double release': {
    lively: 'query AbortError, behind ok, next ok',
    silent: 'query AbortError, behind CONNECTION_LOST, next ok',
  },
  close: {
    lively: 'query AbortError, behind ok, next POOL_CLOSED, close ok',
    silent: 'query AbortError, behind CONNECTION_LOST, next POOL_CLOSED, close ok',
  },
  FIN: 'query AbortError, behind CONNECTION_LOST, next ok',
  RST: 'query AbortError, behind CONNECTION_LOST, next ok',
  ERR: 'query AbortError, behind CONNECTION_LOST, next ok',
};

const TABLES: Readonly<Record<Point, Table>> = {
  // "Too many connections" passes.
  greeting: { ...OPENING, ERR: 'acquire ok, next ok' },
  login: OPENING,
  authenticated: OPENING,
  header: QUERYING,
  row: QUERYING,
  eof: QUERYING,
  commit: COMMITTING,
  rollback: ROLLING_BACK,
  reset: READYING,
  kill: KILLING,
  ping: READYING,
};

/** How every promise must have ended. */
export function expected(kind: ActorKind, point: Point, action: Action, isLively: boolean): string {
  const given = TABLES[point][action];
  const byServer = typeof given === 'object' && 'lease' in given ? given[kind] : given;
  if (typeof byServer === 'string') return byServer;
  return isLively ? byServer.lively : byServer.silent;
}
