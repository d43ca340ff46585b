import type { Readable } from 'node:stream';
import { LateReading, OneShot, transactionOf } from './acquirers.js';
import { sendCommit } from './commit.js';
import type { RawConnection } from './driver.js';
import type { LateWork } from './late-reports.js';
import { lateWorkForbidden } from './late-rules.js';
import type { Lease } from './lease.js';
import type { Lifecycle, ScopeState } from './lifecycle.js';
import type { LoggedStatement } from './query-log.js';
import { type Dialect, Queryable } from './queryable.js';
import { decidedByAnswer, endsByItself, nested, optionsOfSavepoint } from './refusals.js';
import { RequestTransaction } from './request-transaction.js';
import { RowStream, StreamedStatement } from './row-stream.js';
import type { ScopeContext } from './scope-context.js';
import { Call, type TrackedStatement } from './statement.js';
import type { Work } from './transaction.js';
import { checkTransaction, type TransactionOptions } from './transaction-options.js';
import { twiceUnlessBegun } from './transaction-run.js';
import { Turn } from './turn.js';

/**
 * One request's (or job's) view of the pool: no connection until the first query, the same one for all that
 * follow, given back when the request has ended. Call-compatible with a `mysql2/promise` connection.
 */
export class Scope extends Queryable {
  readonly #life: Lifecycle;
  readonly #context: ScopeContext;
  #turn: Turn | null = null;
  /** What the whole request runs in, if its route says so; made by its first query. */
  #whole: RequestTransaction | null = null;

  /** @internal */
  constructor(life: Lifecycle) {
    super();
    this.#life = life;
    this.#context = life.context;
  }

  /** @internal For the adapters: the life behind a scope. */
  static lifeOf(scope: Scope): Lifecycle {
    return scope.#life;
  }

  /** @internal For the adapters: what the answer of the request decides, if anything. */
  static transactionOf(scope: Scope): RequestTransaction | null {
    return scope.#whole;
  }

  /** @internal For what wraps a scope. */
  static submitTo(scope: Scope, statement: TrackedStatement): void {
    scope.submit(statement);
  }

  protected get dialect(): Dialect {
    return this.#context.pool.dialect;
  }

  /** Whether the scope has a connection, waits for one, never wanted one, gave it back, or is over. */
  get state(): ScopeState {
    return this.#life.state;
  }

  /**
   * Aborts when the client leaves before it is answered, with a `CLIENT_GONE` as its reason: for `fetch` and for
   * statements that are of no use then (`query({ sql, signal })`). Takes no connection. The signal of a job never aborts.
   */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** The last statements of this request, oldest first, without their values; as many as the option `log` says. */
  get log(): LoggedStatement[] {
    return this.#context.log?.entries ?? [];
  }

  protected submit(statement: TrackedStatement): void {
    const life = this.#life;
    const refusal = life.enter(statement);
    if (refusal) return statement.settle(refusal);
    const whole = this.#inWhole();
    if (whole) whole.submit(statement);
    else if (life.isLate) this.#submitLate(statement);
    else if (life.lease) life.lease.submit(statement);
    else life.claimFor(statement);
  }

  #inWhole(): RequestTransaction | null {
    if (this.#whole || this.#context.settings.transaction === null) return this.#whole;
    this.#whole = new RequestTransaction(this.#life, this.dialect);
    return this.#whole;
  }

  /**
   * START TRANSACTION.
   *
   * @throws {HandbackError} TRANSACTION_NESTED when one is open, which it would commit, or when the route has one
   */
  async beginTransaction(): Promise<void> {
    this.#enterOrThrow();
    if (this.#inWhole()) throw decidedByAnswer();
    if (this.#life.functions > 0) throw nested();
    const lease = await this.#held();
    await lease.transactions.begin();
  }

  /**
   * COMMIT; nothing to do while the scope never had a connection.
   *
   * @throws {HandbackError} OUTCOME_UNKNOWN when the connection was lost before the answer;
   * TRANSACTION_ROLLED_BACK when the transaction is gone; SCOPE_ENDED when the request is
   */
  async commit(): Promise<void> {
    if (!this.#life.asked && !this.#life.isOptedOut()) return;
    this.#enterOrThrow();
    if (this.#inWhole()) throw decidedByAnswer();
    if (this.#life.functions > 0) throw endsByItself();
    await sendCommit((sql) => this.#control(sql));
  }

  /**
   * ROLLBACK; after `TRANSACTION_ROLLED_BACK` it says that the caller knows, and statements are accepted again. Where the
   * route has a transaction (option `transaction`) the next query begins another.
   */
  async rollback(): Promise<void> {
    const life = this.#life;
    if (!life.asked && !life.isOptedOut()) return;
    const refusal = life.enter();
    if (this.#whole && (!refusal || life.losses.ofTransaction)) return this.#whole.rollback();
    if (life.losses.ofTransaction) return life.losses.transactionAcknowledged();
    if (refusal) throw refusal;
    if (life.functions > 0) throw endsByItself();
    // Without a connection nothing is open: what was has been rolled back when it was given back.
    if (!life.isLate && (life.lease || life.waiting)) await this.#control('ROLLBACK');
  }

  /**
   * BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws. Inside, use the `tx` that `fn` is given. A second call waits
   * for the first to end, at most `acquireTimeoutMs`.
   *
   * @throws {HandbackError} TRANSACTION_NESTED, TRANSACTION_ROLLED_BACK, OUTCOME_UNKNOWN; what `fn` throws
   */
  async transaction<T>(fn: Work<T>, options: TransactionOptions = {}): Promise<T> {
    checkTransaction(fn, options);
    const life = this.#life;
    const refusal = life.enter();
    if (refusal) throw refusal;
    const whole = this.#inWhole();
    if (whole && !this.#isOver(whole)) return this.#savepoint(whole, fn, options);
    if (whole || life.isLate) return this.#lateTransaction(fn, options);
    life.functions++;
    try {
      const run = (work: Work<T>) => this.#transactionInTurn(work, options);
      return await twiceUnlessBegun(fn, run, () => this.#context.pool.resent());
    } finally {
      life.functions--;
      life.settle();
    }
  }

  /** It was decided, or never begun, and the answer has gone. */
  #isOver(whole: RequestTransaction): boolean {
    if (whole.isDecided) return true;
    return !whole.isOpen && this.#life.isLate && this.#context.answerBegun === true;
  }

  /** @throws {HandbackError} TRANSACTION_NESTED for what only a transaction of its own could have */
  async #savepoint<T>(whole: RequestTransaction, fn: Work<T>, options: TransactionOptions): Promise<T> {
    if (options.isolation !== undefined || options.readOnly || options.retries) throw optionsOfSavepoint();
    return whole.transaction(fn);
  }

  async #transactionInTurn<T>(fn: Work<T>, options: TransactionOptions): Promise<T> {
    this.#turn ??= new Turn(this.#context.pool.clock);
    const endTurn = await this.#turn.take(this.#context.settings.acquireTimeoutMs);
    try {
      // The wait may have been long: things may have changed.
      const refusal = this.#life.enter();
      if (refusal) throw refusal;
      if (this.#life.isTooLate) throw lateWorkForbidden();
      const lease = await this.#held();
      return await lease.transactions.run(fn, options, this.#life).catch((error) => {
        this.#life.told(lease);
        throw error;
      });
    } finally {
      endTurn();
    }
  }

  /**
   * The raw mysql2 connection, for what Handback doesn't cover. What happens on it can't be known, so it is
   * closed when the request ends.
   */
  async connection(): Promise<RawConnection> {
    this.#enterOrThrow();
    const whole = this.#inWhole();
    return (await (whole ? whole.lease() : this.#held())).connection();
  }

  /**
   * Hands the connection back early; the next query acquires again. An open transaction is rolled back.
   *
   * @throws {HandbackError} TRANSACTION_NESTED where the route has a transaction: that one lasts until the answer
   */
  async release(): Promise<void> {
    if (this.#whole?.isOpen) throw decidedByAnswer();
    if (this.#life.asked) this.#life.release();
  }

  /** For what makes sense only while the request lives. */
  #enterOrThrow(): void {
    const refusal = this.#life.enter();
    if (refusal) throw refusal;
    if (this.#life.isLate) throw this.#life.late.ended('This needs the connection of its request');
  }

  #control(sql: string): Promise<unknown> {
    return this.send(new Call(false, sql, undefined));
  }

  #held(): Promise<Lease> {
    return new Promise((resolve, reject) => this.#life.claim({ granted: resolve, refused: reject }));
  }

  /** On a connection of its own, which goes back with the answer. */
  #submitLate(statement: TrackedStatement): void {
    const { settings, pool } = this.#context;
    const refusal = this.#life.late.refusal(statement, settings.afterResponse);
    if (refusal) return statement.settle(refusal);
    const reading = statement instanceof StreamedStatement ? statement : null;
    this.#countLate(statement.text, reading?.calledFrom);
    const { acquireTimeoutMs, drainTimeoutMs } = settings;
    pool.lend(
      reading
        ? new LateReading(pool, reading, this.#context, acquireTimeoutMs, drainTimeoutMs)
        : new OneShot(pool, statement, this.#context, acquireTimeoutMs),
    );
  }

  async #lateTransaction<T>(fn: Work<T>, options: TransactionOptions): Promise<T> {
    const { settings, pool } = this.#context;
    if (settings.afterResponse !== 'allow') throw lateWorkForbidden();
    this.#countLate(undefined);
    return transactionOf(pool, this.#context, fn, options, settings.acquireTimeoutMs);
  }

  /** As everywhere. It is sent when it is read: where it was called from would not be known by then. */
  override stream(...given: Parameters<Queryable['stream']>): Readable {
    const stream = super.stream(...given);
    if (this.#life.hasEnded && stream instanceof RowStream)
      stream.statement.calledFrom = this.#context.pool.late.callerOf(this.#lateWork(undefined));
    return stream;
  }

  /** Work that a closed pool refuses is not done, late or otherwise. */
  #countLate(sql: string | undefined, calledFrom?: string): void {
    const { pool } = this.#context;
    if (!pool.closing) pool.late.tell({ ...this.#lateWork(sql), calledFrom });
  }

  #lateWork(sql: string | undefined): LateWork {
    const { route, method, requestId } = this.#context;
    return { route, method, requestId, sql, after: this.#life.over.lateAfter, entrances: ENTRANCES };
  }
}

/** Where late work of the application comes in. */
const { query, execute, stream, transaction } = Scope.prototype;
const ENTRANCES = [query, execute, stream, transaction];
