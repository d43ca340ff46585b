import type { PatientConnection } from './patient-connection.js';

/** What the account has left on the server. */
export interface Remains {
  /** Open transactions: thread and what it runs. */
  transactions: string[];
  /** Names of user locks that somebody holds. */
  userLocks: string[];
  /** Why the tables can't be locked for writing: some session still holds a lock on one of them. */
  lockedTables: string | undefined;
}

/** What the routes change, and may have left locked. */
const tables = ['accounts', 'ledger', 'scratch', 'shadow'].map((table) => `${table} WRITE`).join(', ');

export async function findRemains(server: PatientConnection, appUser: string): Promise<Remains> {
  const transactions = await server.insist(
    `SELECT t.trx_mysql_thread_id AS id, t.trx_state AS state, LEFT(COALESCE(p.info, p.command), 60) AS at
     FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
     WHERE p.user = ?`,
    [appUser],
  );
  // The routes name a lock after the session that takes it.
  const locks = await server.insist(
    `SELECT id AS id FROM information_schema.processlist
     WHERE user = ? AND IS_USED_LOCK(CONCAT('chaos', id)) IS NOT NULL`,
    [appUser],
  );
  return {
    transactions: transactions.map(({ id, state, at }) => `thread ${id}, ${state}: ${at}`),
    userLocks: locks.map(({ id }) => `chaos${id}`),
    lockedTables: await locksOnTables(server),
  };
}

/** The server's list of metadata locks is a plugin that is not everywhere; a lock can be tried everywhere. */
async function locksOnTables(server: PatientConnection): Promise<string | undefined> {
  await server.insist('SET SESSION lock_wait_timeout = 1');
  try {
    await server.insist(`LOCK TABLES ${tables}`);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await server.insist('UNLOCK TABLES');
  }
}

/** In words, or undefined when nothing is left. */
export function remainsInWords({ transactions, userLocks, lockedTables }: Remains): string | undefined {
  const words = [
    ...transactions.map((transaction) => `an open transaction (${transaction})`),
    ...userLocks.map((lock) => `the user lock ${lock}`),
    ...(lockedTables === undefined ? [] : [`a lock on a table (${lockedTables})`]),
  ];
  return words.length === 0 ? undefined : words.join(', ');
}
