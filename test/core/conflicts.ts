import type { Transaction } from '#core/transaction.js';
import { serverError } from './fake-server.js';
import { TestPool } from './fixture.js';
import { TestRequest, type TestRequestOptions } from './request-fixture.js';

export const WORK = 'UPDATE accounts SET balance = 1';

export const work = (tx: Pick<Transaction, 'query'>) => tx.query(WORK);

/** The n-th answers to `WORK`, or to another statement: errors, then what the server would say. */
export function failing(test: TestPool, errors: readonly (number | Error)[], statement = WORK): Error[] {
  const made = errors.map((error) => (typeof error === 'number' ? serverError(error) : error));
  const left = [...made];
  test.driver.reply = (sql, connection) => {
    const error = sql === statement ? left.shift() : undefined;
    if ((error as { errno?: number } | undefined)?.errno === 1213) connection.session.inTransaction = false;
    return error;
  };
  return made;
}

export function started(options: TestRequestOptions = {}) {
  const test = new TestPool({ max: 2, acquireTimeoutMs: 500 });
  const request = new TestRequest(test, options);
  return { test, request, db: request.db };
}
