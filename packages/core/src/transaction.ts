import { HandbackError } from './errors.js';
import { type Dialect, Queryable } from './queryable.js';
import { nested } from './refusals.js';
import { Call, type TrackedStatement } from './statement.js';
import { checkSavepoint } from './transaction-options.js';
import type { TransactionRecord } from './transaction-record.js';

/** The connection that a transaction runs on. */
export interface TransactionHost {
  readonly released: boolean;
  readonly inTransaction: boolean;
  /** What was set for the next transaction waits for it. */
  readonly nextTransactionSet: boolean;
  /** What is known of the transaction that is open, or was last. */
  readonly record: TransactionRecord;
  /** The raw connection was handed out: what happened on it can't be known. */
  readonly exposed: boolean;
  /** Why a transaction that should be open is not. */
  notOpen(cause?: unknown): HandbackError;
  /** Sends the statement on the transaction's own connection, or settles it with an error. */
  submitInside(statement: TrackedStatement): void;
  /** Asks the server, if an error has left it open, whether the transaction is. */
  ascertain(): Promise<void>;
}

export type Work<T> = (tx: Transaction) => Promise<T> | T;

/** Transaction control of our own, at the end of a function: what that has left open does not hold it up. */
export function closing(sql: string): Call {
  const call = new Call(false, sql, undefined);
  call.outranksStreams = true;
  return call;
}

/** The same, sent. */
export function control(host: TransactionHost, sql: string): Promise<unknown> {
  const call = closing(sql);
  host.submitInside(call);
  return call.promise;
}

/** Names are never used twice: a savepoint that outlives its transaction must not meet another. */
let savepoints = 0;

/** What `transaction(fn)` gives to `fn`. It is over when `fn` has settled. */
export class Transaction extends Queryable {
  protected readonly dialect: Dialect;
  readonly #host: TransactionHost;
  #over = false;
  #inner: Transaction | null = null;
  #lastSavepoint: Promise<unknown> = Promise.resolve();

  constructor(host: TransactionHost, dialect: Dialect) {
    super();
    this.#host = host;
    this.dialect = dialect;
  }

  /** @internal For the scope of a request that runs in it. */
  static submitTo(transaction: Transaction, statement: TrackedStatement): void {
    transaction.submit(statement);
  }

  protected submit(statement: TrackedStatement): void {
    if (this.#over) {
      statement.settle(
        new HandbackError('SCOPE_ENDED', 'This transaction has ended; the statement was not sent.'),
      );
    } else if (this.#host.released) {
      statement.settle(this.#host.notOpen());
    } else {
      // Otherwise it would run by itself, in autocommit.
      statement.precondition = () => this.#refusal(statement);
      this.#host.submitInside(statement);
    }
  }

  #refusal({ text, shape }: TrackedStatement): HandbackError | null {
    if (!this.#host.inTransaction) return this.#host.notOpen();
    // AND CHAIN commits, and nothing would tell.
    return shape.endsTransaction && /\bchain\b/i.test(text) ? nested() : null;
  }

  /**
   * A savepoint: what `fn` did is undone when it throws, the transaction around it goes on. Savepoints of one
   * transaction run one after another.
   */
  async transaction<T>(fn: Work<T>, options?: Record<string, never>): Promise<T> {
    checkSavepoint(fn, options);
    const run = this.#lastSavepoint.then(() => this.#savepoint(fn));
    // Only the order matters to the next one; the caller gets the error.
    this.#lastSavepoint = run.catch(() => undefined);
    return run;
  }

  async #savepoint<T>(fn: Work<T>): Promise<T> {
    const name = `handback_${++savepoints}`;
    await this.query(`SAVEPOINT ${name}`);
    const inner = new Transaction(this.#host, this.dialect);
    this.#inner = inner;
    let result: T;
    try {
      result = await fn(inner);
    } catch (error) {
      inner.end();
      // If this fails the whole transaction is gone, and every later statement of it will say so.
      await this.#undo(name);
      throw error;
    }
    inner.end();
    await this.send(closing(`RELEASE SAVEPOINT ${name}`));
    return result;
  }

  /** The savepoint of a transaction that is over went with it. */
  async #undo(name: string): Promise<void> {
    if (this.#over) return;
    await this.#host.ascertain();
    if (this.#host.inTransaction)
      await control(this.#host, `ROLLBACK TO SAVEPOINT ${name}`).catch(() => undefined);
  }

  /** @internal */
  end(): void {
    this.#over = true;
    this.#inner?.end();
  }
}
