import { isSignal } from './abort.js';
import { type AcquireOptions, acquire, OneShot, transactionOf } from './acquirers.js';
import type { ServerFacts } from './driver.js';
import type { HolderReport } from './errors.js';
import type { PoolEvents } from './events.js';
import { LeaseHandle } from './lease-handle.js';
import { Lifecycle, type ScopeContext } from './lifecycle.js';
import { checkOptions, deadline, invalid, type Rules } from './option-rules.js';
import type { Pool } from './pool.js';
import { QueryLog } from './query-log.js';
import { type Dialect, Queryable } from './queryable.js';
import { Scope } from './scope.js';
import type { TrackedStatement } from './statement.js';
import type { PoolStats } from './stats.js';
import type { Work } from './transaction.js';
import { checkTransaction, type TransactionOptions } from './transaction-options.js';
import { warmed } from './warming.js';

export interface CloseOptions {
  /** How long leases may go on before their sockets are cut, in ms. @default 10000 */
  timeoutMs?: number;
}

const CLOSE_TIMEOUT_MS = 10_000;

/** @throws {HandbackError} INVALID_OPTION */
export function closeTimeoutOf(options: CloseOptions = {}): number {
  checkOptions(options, { timeoutMs: deadline }, 'the options of close()');
  return options.timeoutMs ?? CLOSE_TIMEOUT_MS;
}

const ACQUIRE_RULES: Rules = {
  timeoutMs: deadline,
  signal: { allowed: 'an AbortSignal', accepts: (value) => value === null || isSignal(value) },
};

const ONE_SHOT = { route: 'pool' };

/** Leases, one-shot statements, and jobs, over one pool of connections. Made by `createPool`. */
export class ConnectionPool extends Queryable implements AsyncDisposable {
  readonly #pool: Pool;

  /** @internal */
  constructor(pool: Pool) {
    super();
    this.#pool = pool;
  }

  /** @internal The flow below, for the scopes of requests. */
  static flowOf(pool: ConnectionPool): Pool {
    return pool.#pool;
  }

  protected get dialect(): Dialect {
    return this.#pool.dialect;
  }

  get name(): string {
    return this.#pool.settings.name;
  }

  /** What happens in the pool, as it happens. Listeners can't disturb it. */
  get events(): PoolEvents {
    return this.#pool.events;
  }

  /** Each statement on a connection of its own, given back with the answer. */
  protected submit(statement: TrackedStatement): void {
    this.#pool.lend(new OneShot(this.#pool, statement, ONE_SHOT, this.#pool.settings.acquireTimeoutMs));
  }

  /**
   * A connection until `release()`.
   *
   * @throws {HandbackError} ACQUIRE_TIMEOUT, QUEUE_FULL, OPEN_FAILED, POOL_CLOSED
   */
  async acquire(options: AcquireOptions = {}): Promise<LeaseHandle> {
    checkOptions(options, ACQUIRE_RULES, 'the options of acquire()');
    return new LeaseHandle(await acquire(this.#pool, { route: 'pool.acquire' }, options));
  }

  /** A connection if one is ready now and nobody waits for it; else undefined. */
  tryAcquire(): LeaseHandle | undefined {
    const lease = this.#pool.tryLend({ route: 'pool.tryAcquire' }, false);
    return lease ? new LeaseHandle(lease) : undefined;
  }

  /** BEGIN, `fn`, COMMIT on a connection of its own; ROLLBACK when `fn` throws. */
  async transaction<T>(fn: Work<T>, options: TransactionOptions = {}): Promise<T> {
    checkTransaction(fn, options);
    return transactionOf(this.#pool, { route: 'pool.transaction' }, fn, options);
  }

  /**
   * Runs a job with a scope of its own: a connection on its first query, handed back when the job has settled,
   * whatever way.
   */
  async run<T>(fn: (db: Scope) => Promise<T> | T): Promise<T> {
    if (typeof fn !== 'function') throw invalid('fn', 'a function that is given the scope', fn);
    return this.#job(fn.name, fn);
  }

  /** The function that runs `fn` as {@link run} does, with its own arguments after the scope. */
  wrap<A extends unknown[], T>(fn: (db: Scope, ...args: A) => Promise<T> | T): (...args: A) => Promise<T> {
    if (typeof fn !== 'function') throw invalid('fn', 'a function that is given the scope', fn);
    return (...args) => this.#job(fn.name, (db) => fn(db, ...args));
  }

  async #job<T>(name: string, fn: (db: Scope) => Promise<T> | T): Promise<T> {
    const life = new Lifecycle(new JobContext(this.#pool, name || 'job'));
    try {
      return await fn(new Scope(life));
    } finally {
      life.end('answered');
    }
  }

  /** A snapshot of gauges and counters. */
  stats(): PoolStats {
    return this.#pool.stats();
  }

  /** Who holds connections now, the oldest first. */
  holders(): HolderReport[] {
    return this.#pool.holders();
  }

  /** What the server said of itself (version, limits, timeouts); undefined before the first connection. */
  get server(): ServerFacts | undefined {
    return this.#pool.server;
  }

  /**
   * Changes `max` and `minIdle` at run time. Above a smaller `max` idle connections go at once, those in use when they
   * come back. `maxIdle` goes along with `max` unless it was given; it is never above `max`.
   *
   * @throws {HandbackError} INVALID_OPTION
   */
  resize(sizes: { max?: number; minIdle?: number }): void {
    this.#pool.resize(sizes);
  }

  /**
   * Stops using every connection that is open now: idle ones are closed at once, those in use when they come back. New
   * ones are opened as they are needed, so there is no storm. For rotated credentials, or a failover.
   *
   * @returns how many connections that affects
   */
  evictAll(): number {
    return this.#pool.evictAll();
  }

  /**
   * Waits until `minIdle` connections, at least one, are open: a wrong password shows at start-up.
   *
   * @throws {HandbackError} OPEN_FAILED with the driver's error as its cause; ACQUIRE_TIMEOUT
   */
  async warm(): Promise<void> {
    if (this.#pool.settings.minIdle > 0) return warmed(this.#pool);
    const lease = await this.acquire();
    lease.release();
  }

  /**
   * No new leases; waits for those that are out, at most `timeoutMs`, then cuts them off. Resolves when every
   * connection is closed. A second call waits for the first.
   */
  async close(options?: CloseOptions): Promise<void> {
    await this.#pool.close(closeTimeoutOf(options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A job ends when its function has settled; there is nothing to watch. */
export class JobContext implements ScopeContext {
  readonly pool: Pool;
  readonly route: string;
  readonly optedOut = false;
  readonly log: QueryLog | null;

  constructor(pool: Pool, route: string) {
    this.pool = pool;
    this.route = route;
    this.log = pool.settings.log > 0 ? new QueryLog(pool.settings.log) : null;
  }

  get settings() {
    return this.pool.settings;
  }

  watch(): null {
    return null;
  }

  unwatch(): void {}
}
