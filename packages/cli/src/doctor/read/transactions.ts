import type { Row } from '../../session.js';
import type { RowLockWait, ServerFacts, Transaction } from '../picture.js';
import { integer, type Readings } from './readings.js';

const TRANSACTIONS = `SELECT trx_mysql_thread_id AS threadId, TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS age,
  trx_rows_modified AS modified, trx_rows_locked AS locked, trx_is_read_only AS readOnly
  FROM information_schema.INNODB_TRX`;

/** Time is the server's, in which its sessions' `trx_wait_started` is too. */
const WAITED = 'TIMESTAMPDIFF(SECOND, w.trx_wait_started, NOW()) AS waited';
const MARIADB_WAITS = `SELECT w.trx_mysql_thread_id AS waiter, h.trx_mysql_thread_id AS holder, ${WAITED}
  FROM information_schema.INNODB_LOCK_WAITS l
  JOIN information_schema.INNODB_TRX w ON w.trx_id = l.requesting_trx_id
  JOIN information_schema.INNODB_TRX h ON h.trx_id = l.blocking_trx_id`;
const MYSQL_WAITS = `SELECT w.trx_mysql_thread_id AS waiter, h.trx_mysql_thread_id AS holder, ${WAITED}
  FROM performance_schema.data_lock_waits l
  JOIN information_schema.INNODB_TRX w ON w.trx_id = l.REQUESTING_ENGINE_TRANSACTION_ID
  JOIN information_schema.INNODB_TRX h ON h.trx_id = l.BLOCKING_ENGINE_TRANSACTION_ID`;

/** null = not for this account. */
export async function readTransactions(readings: Readings): Promise<Transaction[] | null> {
  const rows = await readings.want(TRANSACTIONS, {
    what: 'open transactions, and who waits for their locks',
    remedy: 'GRANT PROCESS ON *.* TO this account',
  });
  return rows?.map(transactionOf) ?? null;
}

function transactionOf(row: Row): Transaction {
  return {
    threadId: integer(row.threadId),
    ageMs: integer(row.age) * 1_000,
    rowsModified: integer(row.modified),
    rowsLocked: integer(row.locked),
    readOnly: integer(row.readOnly) === 1,
  };
}

/** null = could not be seen. */
export async function readRowLockWaits(
  readings: Readings,
  { isMariaDb }: ServerFacts,
): Promise<RowLockWait[] | null> {
  const rows = isMariaDb
    ? await readings.want(MARIADB_WAITS)
    : await readings.want(MYSQL_WAITS, {
        what: 'who waits for the locks of a transaction',
        remedy: 'GRANT SELECT ON performance_schema.* TO this account',
      });
  return rows === null ? null : withoutDoubles(rows);
}

/** Two transactions may wait for each other at several rows. */
function withoutDoubles(rows: readonly Row[]): RowLockWait[] {
  const found = new Map<string, RowLockWait>();
  for (const row of rows) {
    const wait = {
      waiter: integer(row.waiter),
      holder: integer(row.holder),
      waitedMs: integer(row.waited) * 1_000,
    };
    found.set(`${wait.waiter} ${wait.holder}`, wait);
  }
  return [...found.values()];
}
