import { sendCommit } from './commit.js';
import { HandbackError } from './errors.js';
import { checkOptions, invalid, type Rules } from './option-rules.js';
import { type Dialect, Queryable } from './queryable.js';
import { nested } from './refusals.js';
import { flag, type Isolation, isolation } from './request-options.js';
import { Call, type DriverError, type TrackedStatement, wasNeverSent } from './statement.js';

export type { Isolation };

export interface TransactionOptions {
  /** For this transaction alone. Default: the session's. */
  isolation?: Isolation | Uppercase<Isolation>;
  /** START TRANSACTION READ ONLY: the server refuses writes. @default false */
  readOnly?: boolean;
}

/** The connection that a transaction runs on. */
export interface TransactionHost {
  readonly released: boolean;
  readonly inTransaction: boolean;
  /** What was set for the next transaction waits for it. */
  readonly nextTransactionSet: boolean;
  /** Why a transaction that should be open is not. */
  notOpen(cause?: unknown): HandbackError;
  /** Sends the statement on the transaction's own connection, or settles it with an error. */
  submitInside(statement: TrackedStatement): void;
  /** Asks the server, if an error has left it open, whether the transaction is. */
  ascertain(): Promise<void>;
}

const RULES: Rules = { isolation, readOnly: flag };

export type Work<T> = (tx: Transaction) => Promise<T> | T;

/** @throws {HandbackError} INVALID_OPTION */
export function checkTransaction(fn: unknown, options: unknown): void {
  if (typeof fn !== 'function') throw invalid('fn', 'a function that is given the transaction', fn);
  checkOptions(options, RULES, 'the transaction options');
}

function control(host: TransactionHost, sql: string): Promise<unknown> {
  const call = new Call(false, sql, undefined);
  host.submitInside(call);
  return call.promise;
}

/** Nothing of others may stand between the two: it would use up the isolation level. */
export async function begin(
  host: TransactionHost,
  { isolation, readOnly }: TransactionOptions,
): Promise<void> {
  const start = new Call(false, readOnly ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION', undefined);
  const calls = [start];
  if (isolation !== undefined) {
    const set = new Call(false, `SET TRANSACTION ISOLATION LEVEL ${isolation.toUpperCase()}`, undefined);
    set.setsNextTransaction = true;
    calls.unshift(set);
    start.precondition = () => (host.nextTransactionSet ? null : host.notOpen());
  }
  for (const call of calls) host.submitInside(call);
  // Of the two errors the first one's is shown.
  start.promise.catch(() => undefined);
  try {
    for (const { promise } of calls) await promise;
  } catch (error) {
    start.giveUp(error as Error);
    undoBegin(error, () => rollBack(host));
    throw error;
  }
}

/** A BEGIN that timed out may have been carried out: what comes next must not run inside. */
export function undoBegin(error: unknown, rollback: () => Promise<unknown>): void {
  if (error instanceof HandbackError && error.code === 'QUERY_TIMEOUT') rollback().catch(() => undefined);
}

/**
 * COMMIT, behind the statements that are still ahead of it. `onSending`: it is about to be sent.
 *
 * @throws {HandbackError} see {@link sendCommit}
 */
export async function commit(host: TransactionHost, onSending = () => {}): Promise<void> {
  const call = new Call(false, 'COMMIT', undefined);
  call.precondition = () => {
    if (!host.inTransaction) return host.notOpen();
    onSending();
    return null;
  };
  try {
    await sendCommit(() => {
      host.submitInside(call);
      return call.promise;
    });
  } catch (error) {
    await rollBack(host);
    throw error;
  }
}

/** A failing ROLLBACK marks the connection unusable, so the server ends the transaction; there is nothing to add. */
export async function rollBack(host: TransactionHost): Promise<void> {
  await control(host, 'ROLLBACK').catch(() => undefined);
}

/** The error of `fn`, unless a statement of it has committed what came before. */
async function afterFailure(host: TransactionHost, error: unknown): Promise<unknown> {
  await host.ascertain();
  if (host.inTransaction) return error;
  const gone = host.notOpen(error);
  return gone.code === 'OUTCOME_UNKNOWN' ? gone : error;
}

/**
 * BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws, whose error is then thrown.
 *
 * @throws {HandbackError} see {@link sendCommit}
 */
export async function runTransaction<T>(
  host: TransactionHost,
  dialect: Dialect,
  fn: Work<T>,
  options: TransactionOptions,
): Promise<T> {
  await begin(host, options);
  const tx = new Transaction(host, dialect);
  let result: T;
  try {
    result = await fn(tx);
  } catch (error) {
    tx.end();
    const shown = await afterFailure(host, error);
    await rollBack(host);
    throw shown;
  }
  tx.end();
  await commit(host);
  return result;
}

/** A transaction whose BEGIN could not even be sent is begun once more: `run` finds it another connection. */
export async function twiceUnlessBegun<T>(
  fn: Work<T>,
  run: (fn: Work<T>) => Promise<T>,
  onAgain: () => void,
): Promise<T> {
  let begun = false;
  const work: Work<T> = (tx) => {
    begun = true;
    return fn(tx);
  };
  try {
    return await run(work);
  } catch (error) {
    if (begun || !wasNeverSent(error as DriverError)) throw error;
    onAgain();
    return run(work);
  }
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
  transaction<T>(fn: Work<T>): Promise<T> {
    const run = this.#lastSavepoint.then(() => this.#savepoint(fn));
    // Only the order matters to the next one; the caller gets the error.
    this.#lastSavepoint = run.catch(() => undefined);
    return run;
  }

  async #savepoint<T>(fn: Work<T>): Promise<T> {
    checkTransaction(fn, {});
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
    await this.query(`RELEASE SAVEPOINT ${name}`);
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
