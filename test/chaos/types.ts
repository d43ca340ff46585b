/** The words that the processes of a chaos run share: who is tested, what is broken, what must hold, what is reported. */

export const frameworks = ['fastify', 'express', 'koa'] as const;
export type Framework = (typeof frameworks)[number];

/** What stands between the routes and the database. A mutant is a wrong one, to show that an invariant can fail. */
export const contenders = ['handback', 'mysql2', 'mariadb'] as const;
export type Contender = (typeof contenders)[number] | `mutant:${string}`;

/** What must hold, whatever is broken. */
export const invariants = {
  I1: 'one connection never serves two live requests',
  I2: "no request sees another's session state",
  I3: 'every answer belongs to its question',
  I4: 'acknowledged commits are in the ledger exactly once, and nothing reported as failed is',
  I5: 'the bank total is constant at every consistent read',
  I6: 'server threads of the account never exceed max, the control connection aside',
  I7: 'every promise settles by its deadline',
  I8: 'after the load: no lease, no waiter, no open transaction, no user lock',
  I9: 'after the last fault is healed the throughput is back',
  I10: 'no crash, no unhandled rejection, no MaxListeners warning, no console.error of the driver',
  I11: 'no innocent statement is killed',
  I12: 'heap, handles, listeners, timers, prepared statements and sockets do not grow',
  I13: "every callback runs in its caller's AsyncLocalStorage context",
  I14: 'a server that is down is not stormed with connection attempts',
  I15: 'no password and no bound value in logs, errors, events, metrics or inspect()',
  I16: 'waiters are served first in, first out, and none waits beyond its deadline',
  I17: 'each acquire has one release, and the counters balance',
} as const;
export type Invariant = keyof typeof invariants;

export interface Violation {
  invariant: Invariant;
  /** One sentence with the facts that prove it. */
  detail: string;
}

export const faultNames = [
  // at the proxy
  'delay',
  'blackhole',
  'blackhole-to-server',
  'blackhole-to-client',
  'refuse',
  'rst',
  'fin',
  'cut',
  'truncate',
  'duplicate-reply',
  'throttle',
  'swallow-commit',
  // at the server
  'kill',
  'kill-query',
  'freeze',
  'restart',
  'max-connections',
  'max-user-connections',
  'read-only',
  'wait-timeout',
  'account',
  'password',
  // at the clients
  'client-aborts',
  'pipelines',
  'half-closes',
  'slow-readers',
] as const;
export type FaultName = (typeof faultNames)[number];

/** How long things may take in the process under test. Contenders that have no such option go without. */
export interface Deadlines {
  acquireTimeoutMs: number;
  queryTimeoutMs: number;
  drainTimeoutMs: number;
}

/** What a process of a run is told on its start, as JSON in its only argument. */
export interface AppTask {
  framework: Framework;
  contender: Contender;
  /** By way of the fault proxy. */
  databaseUrl: string;
  /** Where the password is read at every open, so that it can be changed under way: a file of one line. */
  passwordFile: string;
  max: number;
  deadlines: Deadlines;
  seed: number;
}

export interface LoadTask {
  port: number;
  /** Requests under way at a time. */
  clients: number;
  seed: number;
  accounts: number;
  deadlines: Deadlines;
  /** Of all clients together, as far as the answers come in time. @default 200 */
  requestsPerSecond?: number;
  /** Weights of the routes, instead of those of the usual mix: 0 leaves one out. */
  shares?: Record<string, number>;
}

export interface WatcherTask {
  /** Straight to the server, with an account of its own. */
  databaseUrl: string;
  /** The account of the process under test. */
  appUser: string;
  /** That many threads of the account are allowed: max, and one for the control connection. */
  threadLimit: number;
  total: number;
}

/** What a process of a run tells the conductor, over its IPC channel. */
export type Report =
  | { kind: 'ready'; port?: number }
  | ({ kind: 'violation' } & Violation)
  /** Cumulative. */
  | { kind: 'counts'; counts: Record<string, number> }
  | { kind: 'answer'; to: string; value: unknown };

/** What the conductor tells a process of a run. A question is answered with an `answer` of the same name. */
export type Order =
  | { kind: 'ask'; what: string; value?: unknown }
  /** The faults at work from now on: what is observed under one is judged by its rules. */
  | { kind: 'faults'; active: FaultName[] }
  | { kind: 'stop' };

/** The fate of one transfer, as its client was told. */
export type Fate = 'acknowledged' | 'failed' | 'unknown';

/** What the load process answers to `ask fates`. */
export type Fates = Record<Fate, string[]>;

/** From one moment to another, in ms since the epoch: the processes of a run share the machine's clock. */
export interface Span {
  from: number;
  to: number;
}

export interface FaultWindow extends Span {
  fault: FaultName;
}

/** What the clients got in one second: the load process answers `ask seconds` with all of them, in order. */
export interface Second {
  /** Its beginning, in ms since the epoch. */
  at: number;
  ok: number;
  failed: number;
}

/**
 * What the app process answers to `ask state`, at any time and above all when the load has stopped. A contender that
 * can't tell something leaves it out.
 */
export interface AppState {
  leased?: number;
  pending?: number;
  acquired?: number;
  released?: number;
  opened?: number;
  closed?: number;
  /** Connections there are, in whatever state. */
  connections?: number;
  /** Of events of an acquire, and of a release. */
  acquireEvents?: number;
  releaseEvents?: number;
  /** Behind a full garbage collection, where --expose-gc allows one. */
  heapBytes: number;
  /** process.getActiveResourcesInfo(), counted. */
  resources: Record<string, number>;
}

/**
 * A detector counts how often it looked at an invariant as `checked:I1` and so on, beside its other counts: no violation
 * without a look is no pass.
 */
export type CheckCount = `checked:${Invariant}`;
