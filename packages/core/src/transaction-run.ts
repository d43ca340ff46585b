import { sendCommit } from './commit.js';
import { HandbackError } from './errors.js';
import type { Dialect } from './queryable.js';
import type { Retrier } from './retries.js';
import { Call, type DriverError, wasNeverSent } from './statement.js';
import { closing, control, Transaction, type TransactionHost, type Work } from './transaction.js';
import type { TransactionOptions } from './transaction-options.js';
import type { Conflict, TransactionRecord } from './transaction-record.js';

/** How one attempt has ended. With a `conflict` all of it is certainly undone, and may be done again. */
type Outcome<T> = { readonly result: T } | { readonly error: unknown; readonly conflict: Conflict | null };

/**
 * BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws, whose error is then thrown. After a conflict all of it again, as often
 * as the option `retries` says.
 *
 * @throws {HandbackError} see {@link sendCommit}
 */
export async function runTransaction<T>(
  host: TransactionHost,
  dialect: Dialect,
  fn: Work<T>,
  options: TransactionOptions,
  retrier: Retrier,
): Promise<T> {
  const { retries = 0 } = options;
  try {
    for (let attempt = 1; ; attempt++) {
      const onConflict = () => {
        retrier.between = attempt <= retries;
      };
      const outcome = await attemptOnce(host, dialect, fn, options, onConflict);
      if ('result' in outcome) return outcome.result;
      const { error, conflict } = outcome;
      if (attempt > retries || !conflict || !(await retrier.wait(attempt, conflict))) throw error;
      retrier.between = false;
    }
  } finally {
    retrier.between = false;
  }
}

async function attemptOnce<T>(
  host: TransactionHost,
  dialect: Dialect,
  fn: Work<T>,
  options: TransactionOptions,
  onConflict: () => void,
): Promise<Outcome<T>> {
  await begin(host, options);
  const { record } = host;
  const tx = new Transaction(host, dialect);
  const undo = async (error: unknown): Promise<Outcome<T>> => {
    if (record.conflictIn(error)) onConflict();
    const certain = (await rollBack(host)) && isUndone(host, record);
    return { error, conflict: certain ? record.conflictIn(error) : null };
  };
  let result: T;
  try {
    result = await fn(tx);
  } catch (error) {
    tx.end();
    return undo(await afterFailure(host, error));
  }
  tx.end();
  try {
    await commitOnly(host);
  } catch (error) {
    return undo(error);
  }
  return { result };
}

/** Whether it was one transaction from its BEGIN to the ROLLBACK. */
function isUndone(host: TransactionHost, record: TransactionRecord): boolean {
  return host.record === record && !record.mayHaveCommitted && !host.exposed;
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
 * COMMIT, behind the statements that are still ahead of it; ROLLBACK if it fails. `onSending`: it is about to be sent.
 *
 * @throws {HandbackError} see {@link sendCommit}
 */
export async function commit(host: TransactionHost, onSending: () => void): Promise<void> {
  try {
    await commitOnly(host, onSending);
  } catch (error) {
    await rollBack(host);
    throw error;
  }
}

async function commitOnly(host: TransactionHost, onSending = () => {}): Promise<void> {
  const call = closing('COMMIT');
  call.precondition = () => {
    if (!host.inTransaction) return host.notOpen();
    onSending();
    return null;
  };
  await sendCommit(() => {
    host.submitInside(call);
    return call.promise;
  });
}

/**
 * A failing ROLLBACK marks the connection unusable, so the server ends the transaction; there is nothing to add.
 *
 * @returns whether the server has acknowledged it
 */
export function rollBack(host: TransactionHost): Promise<boolean> {
  return control(host, 'ROLLBACK').then(
    () => true,
    () => false,
  );
}

/** The error of `fn`, unless a statement of it has committed what came before. */
async function afterFailure(host: TransactionHost, error: unknown): Promise<unknown> {
  await host.ascertain();
  if (host.inTransaction) return error;
  const gone = host.notOpen(error);
  return gone.code === 'OUTCOME_UNKNOWN' ? gone : error;
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
