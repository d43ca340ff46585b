import { createConnection, type RowDataPacket } from 'mysql2/promise';

let given: string | undefined;

/** Names the database for this process. @throws {Error} when another one was named before */
export function useDatabase(url: string): void {
  if (given !== undefined && given !== url)
    throw new Error('The suite runs against one database in a process, and was given two.');
  given = url;
}

/** The test database: mysql://user:password@host:port/schema */
export function databaseUrl(): string {
  const url = given ?? process.env.HANDBACK_TEST_DATABASE_URL;
  if (!url)
    throw new Error(
      'No database to test on: set HANDBACK_TEST_DATABASE_URL, or give `databaseUrl` to contract(). In the repository of Handback, `npm test` does it.',
    );
  return url;
}

/** The same address with some parts changed: a wrong password, a host that does not exist. */
export function databaseUrlWith(
  changes: Partial<Pick<URL, 'password' | 'hostname' | 'port' | 'protocol'>>,
): string {
  return Object.assign(new URL(databaseUrl()), changes).href;
}

export function password(): string {
  return decodeURIComponent(new URL(databaseUrl()).password);
}

/** A table of two accounts with 1 000 each, for the cases in which a transfer is cut in half. */
export interface Bank {
  table: string;
  /** SQL that adds to one account; parameters: amount, id. */
  add: string;
  balance(id: number): Promise<number>;
  total(): Promise<number>;
  /** Keeps the account's row locked, in a session of its own, until `work` has settled. */
  locked(id: number, work: () => Promise<void>): Promise<void>;
  /** Is the account's row free of any other session's lock? */
  isUnlocked(id: number): Promise<boolean>;
}

let made = 0;

/** A name that no other test on this server uses, now or in parallel. */
export function unique(name: string): string {
  made += 1;
  return `${name}_${process.pid}_${made}`;
}

export async function withBank<T>(work: (bank: Bank) => Promise<T>): Promise<T> {
  const table = unique('accounts');
  const connection = await createConnection(databaseUrl());
  const number = async (sql: string, values: unknown[] = []) => {
    const [rows] = await connection.query<RowDataPacket[]>(sql, values);
    return Number(rows[0]?.value);
  };
  try {
    await connection.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, balance INT NOT NULL) ENGINE=InnoDB`);
    await connection.query(`INSERT INTO ${table} VALUES (1, 1000), (2, 1000)`);
    return await work({
      table,
      add: `UPDATE ${table} SET balance = balance + ? WHERE id = ?`,
      balance: (id) => number(`SELECT balance AS value FROM ${table} WHERE id = ?`, [id]),
      total: () => number(`SELECT SUM(balance) AS value FROM ${table}`),
      async locked(id, locking) {
        const other = await createConnection(databaseUrl());
        try {
          await other.query('START TRANSACTION');
          await other.query(`SELECT 1 FROM ${table} WHERE id = ? FOR UPDATE`, [id]);
          await locking();
        } finally {
          await other.query('ROLLBACK').finally(() => other.end());
        }
      },
      isUnlocked: (id) =>
        connection.query(`SELECT 1 FROM ${table} WHERE id = ? FOR UPDATE NOWAIT`, [id]).then(
          () => true,
          () => false,
        ),
    });
  } finally {
    await connection.query(`SET SESSION lock_wait_timeout = 5`);
    await connection.query(`DROP TABLE IF EXISTS ${table}`);
    await connection.end();
  }
}
