import { systemClock } from './clock.js';
import { type CloseOptions, ConnectionPool, closeTimeoutOf } from './connection-pool.js';
import { mysql2Driver } from './drivers/mysql2.js';
import { HandbackError } from './errors.js';
import type { PoolEvents } from './events.js';
import { JobContext } from './job.js';
import type { Lease } from './lease.js';
import { Lifecycle, type ScopeState } from './lifecycle.js';
import { invalid } from './option-rules.js';
import type { PoolOptions } from './options.js';
import { Pool } from './pool.js';
import type { LoggedStatement } from './query-log.js';
import { type Dialect, Queryable } from './queryable.js';
import { readPoolOptions } from './read-options.js';
import { Scope } from './scope.js';
import type { TrackedStatement } from './statement.js';
import type { PoolStats } from './stats.js';
import type { Work } from './transaction.js';
import type { TransactionOptions } from './transaction-options.js';

/** What makes no sense for one connection that is held for good. */
type PoolOnly =
  | 'max'
  | 'maxIdle'
  | 'minIdle'
  | 'maxOpening'
  | 'reuse'
  | 'idleTimeoutMs'
  | 'leakAfterMs'
  | 'maxHoldMs'
  | 'idleHandBackMs'
  | 'onDoubleAcquire'
  | 'context';

export interface PersistentOptions extends Omit<PoolOptions, PoolOnly> {
  /** Whether `close()` closes the connection; otherwise it only rolls back an open transaction. @default false */
  closeable?: boolean;
}

/**
 * One steady connection for a worker or a script. It opens on the first statement, stays, and comes back by itself
 * when it is lost: a statement that was never sent goes to the new one. Not inside a transaction: there the error is the
 * caller's, and nothing is sent until `rollback()`. The same holds for session state (`release()` there).
 *
 * Each worker thread that calls this has a connection of its own.
 */
export class Persistent extends Queryable implements AsyncDisposable {
  readonly #flow: Pool;
  readonly #pool: ConnectionPool;
  readonly #life: Lifecycle;
  readonly #scope: Scope;
  readonly #closeable: boolean;

  /** @internal */
  constructor(flow: Pool, closeable: boolean) {
    super();
    this.#flow = flow;
    this.#closeable = closeable;
    this.#pool = new ConnectionPool(flow);
    this.#life = new Lifecycle(new JobContext(flow, flow.settings.name));
    this.#scope = new Scope(this.#life);
  }

  protected get dialect(): Dialect {
    return this.#flow.dialect;
  }

  /** Whether it has its connection, waits for it, or never needed one. */
  get state(): ScopeState {
    return this.#scope.state;
  }

  get events(): PoolEvents {
    return this.#flow.events;
  }

  /** The last statements, without their values; as many as the option `log` says. */
  get log(): LoggedStatement[] {
    return this.#scope.log;
  }

  stats(): PoolStats {
    return this.#flow.stats();
  }

  protected submit(statement: TrackedStatement): void {
    // What it asks of the statements before it only their connection knows.
    const { insertId, warnings, counts } = statement.shape.reads;
    if (!insertId && !warnings && !counts) this.#renewIfDue();
    Scope.submitTo(this.#scope, statement);
  }

  /** START TRANSACTION. Until it has ended the connection is neither renewed nor replaced. */
  beginTransaction(): Promise<void> {
    this.#renewIfDue();
    return this.#scope.beginTransaction();
  }

  /** @throws {HandbackError} OUTCOME_UNKNOWN, TRANSACTION_ROLLED_BACK */
  commit(): Promise<void> {
    return this.#scope.commit();
  }

  /** Also says that the caller knows of a transaction that was lost with its connection. */
  rollback(): Promise<void> {
    return this.#scope.rollback();
  }

  /** BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws. */
  transaction<T>(fn: Work<T>, options?: TransactionOptions): Promise<T> {
    this.#renewIfDue();
    return this.#scope.transaction(fn, options);
  }

  /** Starts afresh: an open transaction is rolled back and the session cleaned, or replaced. */
  release(): Promise<void> {
    return this.#scope.release();
  }

  /**
   * Rolls back an open transaction. With the option `closeable` it then closes the connection, as {@link end} does.
   *
   * @throws {HandbackError} INVALID_OPTION; also for a `timeoutMs` where nothing will be closed
   */
  async close(options?: CloseOptions): Promise<void> {
    if (this.#closeable) return this.end(options);
    closeTimeoutOf(options);
    if (options?.timeoutMs !== undefined) throw staysOpen();
    if (this.#life.lease?.mayBeInTransaction || this.#life.losses.ofTransaction) await this.#scope.rollback();
  }

  /** Closes the connection for good. */
  async end(options?: CloseOptions): Promise<void> {
    closeTimeoutOf(options);
    this.#life.end('answered');
    await this.#pool.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  /** Between transactions, when nothing would be lost: given back, it is asked whether it lives, or replaced. */
  #renewIfDue(): void {
    const { lease, functions } = this.#life;
    if (lease?.isExchangeable && functions === 0 && this.#isDue(lease)) this.#life.release();
  }

  #isDue(lease: Lease): boolean {
    const { clock, settings } = this.#flow;
    const now = clock.now();
    const isQuiet =
      settings.validate !== 'never' && now - lease.provenAt >= Math.max(1, settings.validateAfterMs);
    return lease.isWorn(settings.maxUses, now) || (isQuiet && !lease.hasUnreadInsertId);
  }
}

function staysOpen(): HandbackError {
  return new HandbackError(
    'INVALID_OPTION',
    "close() has nothing to do with 'timeoutMs': without the option 'closeable: true' of createPersistent() it only rolls back an open transaction, and the connection stays. end() closes it.",
  );
}

/** There is one connection, and it is never idle for the pool. */
const FIXED = { max: 1, idleTimeoutMs: 0, leakAfterMs: 0 } as const;

/**
 * One steady connection (DBUtils' PersistentDB); see {@link Persistent}.
 *
 * @throws {HandbackError} INVALID_OPTION, naming the option
 */
export function createPersistent(options: PersistentOptions | string): Persistent {
  const given: PersistentOptions = typeof options === 'string' ? { uri: options } : options;
  if (typeof given !== 'object' || given === null)
    throw new HandbackError('INVALID_OPTION', 'The options must be an object.');
  const { closeable = false, name = 'persistent', ...poolOptions } = given;
  if (typeof closeable !== 'boolean') throw invalid('closeable', 'true or false', closeable);
  for (const [option, value] of Object.entries(poolOptions)) {
    if (POOL_ONLY.has(option) && value !== undefined) throw forPools(option, value);
  }
  return new Persistent(
    new Pool(readPoolOptions({ ...poolOptions, name, ...FIXED }), mysql2Driver, systemClock),
    closeable,
  );
}

const POOL_ONLY: ReadonlySet<string> = new Set<PoolOnly>([
  ...(['max', 'maxIdle', 'minIdle', 'maxOpening'] as const),
  ...(['reuse', 'idleTimeoutMs', 'leakAfterMs', 'maxHoldMs', 'idleHandBackMs'] as const),
  ...(['onDoubleAcquire', 'context'] as const),
]);

function forPools(option: string, value: unknown): Error {
  return invalid(option, 'absent: a persistent connection is one, and stays', value);
}
