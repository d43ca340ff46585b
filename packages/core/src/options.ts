import type { ConnectionOptions } from 'mysql2';
import type { ConnectionSource } from './connection-source.js';
import type { StrictParams } from './params.js';
import type { RequestTransactionOptions } from './request-options.js';

/** A connection that is being set up: what is called on it later fails. */
export interface NewConnection {
  /** The server's id of the session (`CONNECTION_ID()`). */
  readonly threadId: number;
  query(sql: string, values?: unknown): Promise<[unknown, unknown]>;
  execute(sql: string, values?: unknown): Promise<[unknown, unknown]>;
}

/** What runs on every new connection; see the option `onConnect`. */
export type OnConnect = string | readonly string[] | ((connection: NewConnection) => unknown);

/** Options of a pool that a route may set for itself. */
export interface ScopeOptions {
  /**
   * One absolute deadline over queueing, opening and resetting, in ms. 0 = don't queue: fails only when `max`
   * connections are in use. `Infinity` = no deadline.
   * @default 5000
   */
  acquireTimeoutMs?: number | undefined;
  /**
   * How long what is still in flight at the end of the response may go on, in ms, before it is killed.
   * @default 5000
   */
  drainTimeoutMs?: number | undefined;
  /**
   * 'end': the response has ended when the handler ended it. 'finish': when the kernel took the last byte, so
   * that a slow reader holds the connection.
   * @default 'end'
   */
  releaseOn?: 'end' | 'finish' | undefined;
  /**
   * What happens to work after the end. 'allow': each late statement gets a connection of its own. 'reject':
   * it fails with `SCOPE_ENDED`. 'cancel': the same, and what is in flight when the client leaves is killed.
   * @default 'allow'
   */
  afterResponse?: 'allow' | 'reject' | 'cancel' | undefined;
  /**
   * A statement that runs longer is killed on the server, and rejects with `QUERY_TIMEOUT`, in ms. Of a stream:
   * the time that the server takes for its next row. 0 = no limit.
   * @default 30000 for requests, 0 for jobs and `pool.*`
   */
  queryTimeoutMs?: number | undefined;
  /** A connection that is held longer is reported, with its holder, in ms; once more when it comes back. 0 = never. @default 30000 */
  leakAfterMs?: number | undefined;
  /** A connection that is held longer is taken away and closed, in ms. 0 = never. @default 0 */
  maxHoldMs?: number | undefined;
  /**
   * A connection that a request, or a job, has not used for so long goes back, in ms, unless something would be lost
   * with it: an open transaction, session state, an insert id that `LAST_INSERT_ID()` may still ask for. The next query takes one again. 0 = never.
   * @default 1000 once the response is hijacked, upgraded or `text/event-stream`; else 0
   */
  idleHandBackMs?: number | undefined;
  /** The last statements of a request that `db.log` keeps, their texts without values. 0 = none. @default 0 */
  log?: number | undefined;
}

/** Options of a plugin that a route may set for itself: they are about requests, which a pool doesn't know. */
export interface RequestOptions {
  /**
   * Each request runs in a transaction, begun by its first query: COMMIT before the answer leaves if its status is below
   * 400 and nothing was thrown, else ROLLBACK. `false` on a route opts it out.
   * @default false
   */
  transaction?: boolean | RequestTransactionOptions | undefined;
  /** The transaction is READ ONLY: the server refuses writes. Switches `transaction` on unless that is `false`. @default false */
  readOnly?: boolean | undefined;
}

/** Options that a route may set for itself. */
export interface RouteOptions extends ScopeOptions, RequestOptions {}

export interface PoolOptions extends ScopeOptions {
  /** `mysql://user:password@host:port/schema?option=value`. Required unless `connection` is given. */
  uri?: string | undefined;
  /** mysql2's connection options, or a function that returns them (a promise is awaited), called for each open. */
  connection?: ConnectionOptions | (() => ConnectionOptions | Promise<ConnectionOptions>) | undefined;
  /** Names the pool in errors, events and on the server. @default 'default' (plugins: the value of `as`) */
  name?: string | undefined;
  /** The pool never has more connections than this. @default 10 */
  max?: number | undefined;
  /** Idle connections above this are closed when they come back. @default max */
  maxIdle?: number | undefined;
  /** This many connections are kept ready beyond those in use, from the start, as far as `max` allows. @default 0 */
  minIdle?: number | undefined;
  /**
   * Who is next when requests wait for their first connection. 'adaptive': in the order of arrival while the queue drains;
   * when it stands, because more come than can be served, the newest first, and those who would wait in vain fail early
   * with `OVERLOADED`. 'fifo': always in the order of arrival. Jobs, `pool.*` and requests that have had a connection keep their order in both.
   * @default 'adaptive'
   */
  queue?: 'adaptive' | 'fifo' | undefined;
  /** Acquires that may wait; one more fails with `QUEUE_FULL`. 0 = nobody waits. @default 10000 */
  maxPending?: number | undefined;
  /** A connection unused for this long is closed, in ms; `minIdle` of them stay. 0 = never. @default 300000 */
  idleTimeoutMs?: number | undefined;
  /** A connection older than this is replaced, in ms, shortened by up to 10 % at random. 0 = never. @default 1800000 */
  maxLifetimeMs?: number | undefined;
  /** Connections that may be opening at the same time. @default 2 */
  maxOpening?: number | undefined;
  /** Which idle connection is used first: the one that came back last, or the one that waited longest. @default 'lifo' */
  reuse?: 'lifo' | 'fifo' | undefined;
  /** Deadline for one attempt to connect, in ms; kept below `acquireTimeoutMs`, so that the cause is known. @default 3000 */
  connectTimeoutMs?: number | undefined;
  /**
   * 'context': `query()` refuses arrays and objects where a single value belongs. 'all': everywhere. 'off': nowhere.
   * @default 'context'
   */
  strictParams?: StrictParams | undefined;
  /** A connection that has run this many statements is replaced when it comes back. 0 = never. @default 0 */
  maxUses?: number | undefined;
  /**
   * Whether an idle connection is asked (a ping) if it still lives, before it is handed out: 'idle' = after
   * `validateAfterMs` without a sign of life, 'always' = each time, 'never' = only its socket is looked at. At most
   * once per lease, and never a connection that was just opened.
   * @default 'idle'
   */
  validate?: 'idle' | 'always' | 'never' | undefined;
  /** A connection that gave a sign of life within this time is not asked, in ms. 0 = asked each time. @default 500 */
  validateAfterMs?: number | undefined;
  /** Without an answer to the ping for this long, the connection counts as dead, in ms. @default 1000 */
  validateTimeoutMs?: number | undefined;
  /**
   * Runs on every new connection, before anybody gets it, and again after each reset. SQL, or a function, which is
   * awaited. When it fails, so does the open. Not for transactions.
   */
  onConnect?: OnConnect | undefined;
  /**
   * How a session is cleaned before the next holder gets it. 'auto': not at all when only plain statements ran,
   * else by a reset. 'always': by a reset after every use. 'rollback': only an open transaction is rolled back, and
   * autocommit restored; other session state stays. In every mode a connection with another character set is closed.
   * @default 'auto'
   */
  reset?: 'auto' | 'always' | 'rollback' | undefined;
  /**
   * A request that holds a connection of this pool and asks for another one, where it is known who asks (`context`, or
   * `acquire({ scope })`): 'warn' reports it with both places, 'error' also refuses it with `DOUBLE_ACQUIRE` when all
   * who hold a connection wait for another one. 'allow': neither.
   * @default 'warn'
   */
  onDoubleAcquire?: 'warn' | 'error' | 'allow' | undefined;
  /**
   * `currentDb()` finds the scope of the request, or of the job, that the running code belongs to (AsyncLocalStorage,
   * which costs every promise of the process something). Of a plugin: in its requests and in the jobs of its pool,
   * by the name `as`. Of `createPool`: in the pool's jobs, by the pool's name; 'db' if it has none.
   * @default false
   */
  context?: boolean | undefined;
  /**
   * Each statement carries its route, method and request's id in a comment behind it (sqlcommenter), and as query attributes
   * where the server takes them: SHOW FULL PROCESSLIST and the slow log name them. Prepared statements (`execute`) carry no
   * request's id in their comment: each would be another statement.
   * @default false
   */
  tag?: boolean | undefined;
  /**
   * There is a proxy (ProxySQL, MaxScale, RDS Proxy) in front of the server: the server's limits and timeouts are not compared
   * with the pool's options, and what makes a proxy keep a connection for one client is told per route (warning `PINNED`). A
   * proxy that greets with a version of its own is found without.
   * @default false
   */
  behindProxy?: boolean | undefined;
}

export interface ScopeSettings {
  /** Of the transaction that a request runs in; null = in none. */
  readonly transaction: RequestTransactionOptions | null;
  readonly acquireTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly releaseOn: 'end' | 'finish';
  readonly afterResponse: 'allow' | 'reject' | 'cancel';
  /** undefined = the default, which differs between requests and jobs. */
  readonly queryTimeoutMs: number | undefined;
  readonly leakAfterMs: number;
  readonly maxHoldMs: number;
  /** undefined = the default, which depends on the response. */
  readonly idleHandBackMs: number | undefined;
  readonly log: number;
}

export interface PoolSettings extends ScopeSettings {
  readonly name: string;
  /** Written by `resize` alone, as the next two. */
  max: number;
  maxIdle: number;
  minIdle: number;
  /** What was given as `maxIdle`, which `max` may be below for a time; undefined = it goes along with `max`. */
  readonly maxIdleGiven: number | undefined;
  readonly queue: 'adaptive' | 'fifo';
  readonly maxPending: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly maxOpening: number;
  readonly reuse: 'lifo' | 'fifo';
  readonly connectTimeoutMs: number;
  readonly resetTimeoutMs: number;
  readonly strictParams: StrictParams;
  readonly maxUses: number;
  readonly validate: 'idle' | 'always' | 'never';
  readonly validateAfterMs: number;
  readonly validateTimeoutMs: number;
  readonly onConnect: OnConnect | undefined;
  readonly reset: 'auto' | 'always' | 'rollback';
  readonly onDoubleAcquire: 'warn' | 'error' | 'allow';
  readonly context: boolean;
  readonly tag: boolean;
  readonly behindProxy: boolean;
  /** Not printable: holds the password. */
  readonly source: ConnectionSource;
}

export interface Sizes {
  readonly max: number;
  readonly maxIdle: number;
  readonly minIdle: number;
}

/** A pool's options as they hold, given or default, without those that may have a secret in them. */
export interface ShownOptions
  extends Readonly<
    Omit<PoolSettings, 'source' | 'onConnect' | 'transaction' | 'maxIdleGiven' | 'resetTimeoutMs'>
  > {}
