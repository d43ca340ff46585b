/**
 * What an error of the server or the network means, decided in one place: for the connection it came on, for
 * the others, and for whoever wants to connect. Codes: the error references of MariaDB and MySQL, and the
 * driver's own names.
 */
export type ErrorClass =
  /** The statement's own fault (duplicate key, bad value): nothing is wrong, and no transaction was touched. */
  | 'data'
  /** The whole transaction has certainly been rolled back. */
  | 'deadlock'
  /** Any other refusal of a statement: what it left behind is not certain. */
  | 'statement'
  /** The connection, or the server's end of it, is gone. */
  | 'lost'
  /** The connection can't serve on; nothing is said about others. */
  | 'unusable'
  /** The server goes down, or is not ready: nothing on it can serve on. */
  | 'not-ready'
  /** A primary that was demoted: all connections lead to it, and writing needs new ones. */
  | 'demoted'
  /** The server has no room for one more connection. */
  | 'full'
  /** Account, schema, host: trying again at once can't help. */
  | 'refused'
  /** The server hears nobody from this host until an operator says so; each attempt is one more mark against it. */
  | 'blocked'
  /** The network, or a server that is not there now. */
  | 'unreachable';

export interface ErrorFacts {
  readonly errno?: number | undefined;
  readonly code?: string | undefined;
  readonly fatal?: boolean | undefined;
  readonly message?: string | undefined;
}

function table(classes: Readonly<Partial<Record<ErrorClass, readonly number[]>>>): Map<number, ErrorClass> {
  const byNumber = new Map<number, ErrorClass>();
  for (const [name, numbers] of Object.entries(classes)) {
    for (const number of numbers) byNumber.set(number, name as ErrorClass);
  }
  return byNumber;
}

/** ER_NET_PACKET_TOO_LARGE */
const PACKET_TOO_LARGE = 1153;

const BY_NUMBER = table({
  // Duplicate key, foreign key, not null, no default, too long, out of range, truncated, wrong value, CHECK.
  data: [
    1022, 1062, 1586, 1216, 1217, 1451, 1452, 1048, 1364, 1406, 1264, 1265, 1292, 1366, 1690, 3819, 4025,
  ],
  deadlock: [1213],
  // Server gone, lost, out of sync, killed (MariaDB), idle too long (MySQL), client too slow to write.
  lost: [2006, 2013, 2014, 2045, 2055, 1927, 4031, 1158, 1159, 1160, 1161],
  unusable: [PACKET_TOO_LARGE],
  // Shutdown, and Galera's "not prepared", which answers a ping.
  'not-ready': [1047, 1053, 1077, 1079],
  full: [1040, 1203, 1226],
  // Denied, no schema, unknown plugin; host not allowed.
  refused: [1044, 1045, 1049, 1130, 1524, 1698],
  blocked: [1129],
});

const UNREACHABLE = new Set(
  'ECONNREFUSED ECONNABORTED ENOENT ETIMEDOUT EHOSTUNREACH ENETUNREACH EAI_AGAIN'.split(' '),
);
const LOST = new Set(
  'ECONNRESET EPIPE PROTOCOL_CONNECTION_LOST PROTOCOL_UNEXPECTED_PACKET PROTOCOL_ERROR CONNECTION_LOST'.split(
    ' ',
  ),
);

/** The driver says so, with neither number nor code, of what it does not even write: the connection has ended before. */
const NOT_WRITTEN = /^Can't add new command/;

export function isNotWritten({ message = '' }: ErrorFacts): boolean {
  return NOT_WRITTEN.test(message);
}

/** ER_OPTION_PREVENTS_STATEMENT: also of options that have nothing to do with a failover. */
const OPTION_PREVENTS = 1290;
/** ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_READ_ONLY_MODE */
const READ_ONLY_TRANSACTION = 1792;
const READ_ONLY_MODE = 1836;

/** `readOnlyTransaction`: the statement ran in a transaction that its owner had begun READ ONLY. */
export function classify(error: ErrorFacts, readOnlyTransaction = false): ErrorClass {
  const errno = error.errno ?? 0;
  if (errno === OPTION_PREVENTS) return /read[-_ ]only/i.test(error.message ?? '') ? 'demoted' : 'unusable';
  if (errno === READ_ONLY_MODE) return 'demoted';
  if (errno === READ_ONLY_TRANSACTION) return readOnlyTransaction ? 'unusable' : 'demoted';
  const known = BY_NUMBER.get(errno);
  if (known) return known;
  if (UNREACHABLE.has(error.code ?? '')) return 'unreachable';
  if (LOST.has(error.code ?? '') || error.fatal || isNotWritten(error)) return 'lost';
  return 'statement';
}

/** Why a connection must not be used again after an error of this class; null = it may, once it is clean. */
export function unusableAfter(of: ErrorClass): string | null {
  return UNUSABLE[of] ?? null;
}

const UNUSABLE: Partial<Record<ErrorClass, string>> = {
  lost: 'the connection failed',
  unreachable: 'the connection failed',
  unusable: 'the server refuses to go on with it',
  'not-ready': 'the server is going down or not ready',
  demoted: 'the server is read-only',
};

/** The server said so and hangs up, or has: what is sent after it can only be lost. */
export function hangsUp(error: ErrorFacts): boolean {
  const { errno = 0 } = error;
  return errno === PACKET_TOO_LARGE || (errno > 0 && classify(error) === 'lost');
}

/**
 * After these a transaction that is gone was rolled back, not committed: deadlock, lock wait
 * (innodb_rollback_on_timeout), a snapshot that is too old.
 */
export function rollsBack({ errno }: ErrorFacts): boolean {
  return errno === 1213 || errno === 1205 || errno === 1020;
}

/** Nobody listens on the address any more: with the server, if that is what listened there, its threads are gone. */
export function serverIsGone({ code }: ErrorFacts): boolean {
  return code === 'ECONNREFUSED';
}

/** The address leads nowhere, for now at least. */
export function hostIsUnreachable({ code }: ErrorFacts): boolean {
  return NOWHERE.has(code ?? '');
}

const NOWHERE = new Set('ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN'.split(' '));

/** What an error says about the other connections of the pool. */
export type Suspicion = 'none' | 'distrust' | 'clear';

/**
 * `distrust`: those opened before it are asked before they are used again, since what cut this one off (a
 * restart, a firewall) may have cut them off too. `clear`: none of them is used again.
 */
export function suspicionOf(of: ErrorClass): Suspicion {
  if (of === 'not-ready' || of === 'demoted') return 'clear';
  return of === 'lost' || of === 'unreachable' ? 'distrust' : 'none';
}

/** What a failed attempt to open means for those who wait: `lasting`, `blocked` = waiting can't help. */
export type OpenFailure = 'passing' | 'full' | 'lasting' | 'blocked';

/** Whether those who wait need not wait any longer. */
export function isHopeless(failure: OpenFailure | null): boolean {
  return failure === 'lasting' || failure === 'blocked';
}

/** Killed, in a deadlock, too late for a lock or for a limit: a statement of the set-up may well succeed the next time. */
const UNLUCKY = new Set([1317, 1213, 1205, 1969, 3024]);

export function openFailureOf({ errno, code, message }: ErrorFacts): OpenFailure {
  if (errno !== undefined && UNLUCKY.has(errno)) return 'passing';
  // Not `fatal`: of an attempt to open every failure is, a refused certificate too.
  const of = classify({ errno, code, message });
  switch (of) {
    case 'full':
    case 'blocked':
      return of;
    case 'unreachable':
    case 'lost':
    case 'not-ready':
      return 'passing';
    default:
      return 'lasting';
  }
}
