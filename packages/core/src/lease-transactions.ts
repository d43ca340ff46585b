import { isTraced, type TransactionTrace, traceBegins } from './channels.js';
import { sendCommit } from './commit.js';
import type { Entry } from './entry.js';
import type { HandbackError } from './errors.js';
import type { Lease } from './lease.js';
import type { LeaseHost } from './lease-host.js';
import type { Line } from './line.js';
import { betweenAttempts, commitUnanswered, endsByItself, nested, rolledBack } from './refusals.js';
import { Retrier, type RetryLimit } from './retries.js';
import { Call, type TrackedStatement } from './statement.js';
import type { TransactionHost, Work } from './transaction.js';
import { checkTransaction, type TransactionOptions } from './transaction-options.js';
import type { TransactionRecord } from './transaction-record.js';
import { runTransaction, undoBegin } from './transaction-run.js';
import { traced, transactionEnds, transactionMessage } from './transaction-trace.js';
import { Turn } from './turn.js';

/** What a lease does for transactions: begins and ends them by hand, and runs `transaction(fn)`. */
export class LeaseTransactions implements TransactionHost {
  readonly #lease: Lease;
  readonly #host: LeaseHost;
  readonly #entry: Entry;
  readonly #line: Line;
  readonly #retrier: Retrier;
  #turn: Turn | null = null;
  #beginning = false;
  /** A `transaction(fn)` is at work. */
  #running = false;
  /** Of the transaction that `begin` has begun, where somebody traces those. */
  #trace: TransactionTrace | null = null;

  constructor(lease: Lease, host: LeaseHost, entry: Entry, line: Line) {
    this.#lease = lease;
    this.#host = host;
    this.#entry = entry;
    this.#line = line;
    this.#retrier = new Retrier(host.clock, {
      isReady: () => lease.usable && !host.closing,
      onRetry: (retry) => host.retrying(entry, lease, retry),
    });
  }

  /** What is told of one that is begun here. */
  message(options: TransactionOptions): TransactionTrace {
    return { ...transactionMessage(this.#entry, this.#host.dialect.pool, options), attempts: 1 };
  }

  get released(): boolean {
    return this.#lease.released;
  }

  get inTransaction(): boolean {
    return this.#lease.inTransaction;
  }

  get nextTransactionSet(): boolean {
    return this.#entry.session.nextTransactionSet;
  }

  get record(): TransactionRecord {
    return this.#entry.session.transaction;
  }

  get exposed(): boolean {
    return this.#entry.session.exposed;
  }

  notOpen(cause?: unknown): HandbackError {
    if (this.released) return rolledBack(cause);
    return this.#entry.session.commitUnanswered ? commitUnanswered(cause) : this.#line.notOpen(cause);
  }

  submitInside(statement: TrackedStatement): void {
    statement.bound = true;
    this.#lease.submit(statement);
  }

  ascertain(): Promise<void> {
    // The session may be somebody else's by now: nothing is asked on it, and nothing read from it.
    return this.released ? Promise.resolve() : this.#line.ascertain();
  }

  /** Why a statement must not be sent now, if it is not part of a `transaction(fn)` itself. */
  refusal(statement: TrackedStatement): HandbackError | null {
    return this.#retrier.between && !statement.bound ? betweenAttempts() : null;
  }

  /** The lease has ended, or its pool closes. */
  lookAgain(): void {
    this.#retrier.lookAgain();
  }

  /** The one guard of every BEGIN: it would commit what is open. @throws {HandbackError} TRANSACTION_NESTED */
  refuseNested(): void {
    const isOpen = this.inTransaction && this.#lease.usable;
    if (this.#running || this.#beginning || isOpen) throw nested();
  }

  #refuseInside(): void {
    if (this.#running) throw endsByItself();
  }

  async begin(): Promise<void> {
    this.refuseNested();
    this.#beginning = true;
    try {
      await this.#start();
    } catch (error) {
      this.#traceEnds('rolled back', error);
      undoBegin(error, () => this.rollback());
      throw error;
    } finally {
      this.#beginning = false;
      this.look(null);
    }
  }

  #start(): Promise<unknown> {
    const start = () => this.#control('START TRANSACTION');
    if (!isTraced('transaction')) return start();
    this.#trace = this.message({});
    return traceBegins('transaction', this.#trace, start);
  }

  /** A statement was answered, or the lease has ended: so may have what was begun by hand, in whatever way. */
  look(error: unknown): void {
    if (this.#trace === null || this.#beginning) return;
    const { commitUnanswered, inTransaction, unsure, ended } = this.#entry.session;
    if (commitUnanswered) this.#traceEnds('unknown', error);
    else if (!inTransaction && !unsure)
      this.#traceEnds(!error && ended === 'statement' ? 'committed' : 'rolled back', error);
    // What is open then goes with the connection, or is rolled back by the pool.
    else if (!this.#lease.usable && this.#line.size === 0) this.#traceEnds('rolled back', error);
  }

  #traceEnds(outcome: NonNullable<TransactionTrace['outcome']>, error: unknown): void {
    const message = this.#trace;
    this.#trace = null;
    if (message) transactionEnds(message, outcome, error);
  }

  async commit(): Promise<void> {
    this.#refuseInside();
    await sendCommit((sql) => this.#control(sql));
  }

  /** Of a transaction that was lost with its connection there is nothing left to undo. */
  async rollback(): Promise<void> {
    this.#refuseInside();
    if (this.released || this.#lease.usable) await this.#control('ROLLBACK');
    else this.#entry.session.wasRolledBack();
  }

  /** Waits for another `transaction(fn)` of this lease to end. */
  async inTurn<T>(fn: Work<T>, options: TransactionOptions): Promise<T> {
    checkTransaction(fn, options);
    this.#turn ??= new Turn(this.#host.clock);
    const end = await this.#turn.take(this.#host.acquireTimeoutMs);
    try {
      return await this.run(fn, options, null);
    } finally {
      end();
    }
  }

  /** The caller sees to it that there is one at a time. `limit` says how long retries make sense. */
  async run<T>(fn: Work<T>, options: TransactionOptions, limit: RetryLimit | null): Promise<T> {
    this.refuseNested();
    this.#running = true;
    this.#retrier.limit = limit;
    try {
      return await this.#traced(fn, options);
    } finally {
      this.#running = false;
      this.#retrier.limit = null;
    }
  }

  #traced<T>(fn: Work<T>, options: TransactionOptions): Promise<T> {
    const { dialect } = this.#host;
    if (!isTraced('transaction')) return runTransaction(this, dialect, fn, options, this.#retrier);
    const message = transactionMessage(this.#entry, dialect.pool, options);
    return traced(message, () => {
      const counted: Work<T> = (tx) => {
        message.attempts++;
        return fn(tx);
      };
      return runTransaction(this, dialect, counted, options, this.#retrier);
    });
  }

  #control(sql: string): Promise<unknown> {
    const call = new Call(false, sql, undefined);
    this.#lease.submit(call);
    return call.promise;
  }
}
