import { createConnection } from 'mysql2/promise';
import { databaseUrl, unique } from './database.js';

export interface Account {
  name: string;
  /** The test database's address with this account in it. */
  url: string;
  /** Gives it another password. */
  setPassword(password: string): Promise<void>;
}

/** An account of one test's own: its sessions are nobody else's, and it can be limited. Dropped afterwards. */
export async function withAccount<T>(limits: string, work: (account: Account) => Promise<T>): Promise<T> {
  const name = unique('handback_test');
  const connection = await createConnection(databaseUrl());
  const schema = new URL(databaseUrl()).pathname.slice(1);
  try {
    await connection.query(`CREATE USER ${name} IDENTIFIED BY 'first' ${limits}`);
    await connection.query(`GRANT ALL ON \`${schema}\`.* TO ${name}`);
    const url = Object.assign(new URL(databaseUrl()), { username: name, password: 'first' }).href;
    const setPassword = async (password: string) => {
      await connection.query(`ALTER USER ${name} IDENTIFIED BY ?`, [password]);
    };
    return await work({ name, url, setPassword });
  } finally {
    await connection.query(`DROP USER IF EXISTS ${name}`);
    await connection.end();
  }
}
