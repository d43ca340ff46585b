import { strict as assert } from 'node:assert';
import { type ConnectionPool, createPool, type PoolOptions } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { createConnection } from 'mysql2/promise';
import { databaseUrl, unique } from '../support/database.js';

// What a session keeps although neither the text of the statement nor the status of its answer tells.

const table = unique('hidden_rows');

const CREATE = [
  `CREATE TABLE ${table} (id INT AUTO_INCREMENT PRIMARY KEY, n INT UNIQUE) AUTO_INCREMENT = 1001`,
  `INSERT INTO ${table} VALUES (1, 1)`,
];

const DROP = [`DROP TABLE IF EXISTS ${table}`];

async function runAll(statements: readonly string[]): Promise<void> {
  const connection = await createConnection(databaseUrl());
  try {
    for (const sql of statements) await connection.query(sql);
  } finally {
    await connection.end();
  }
}

/** With a pool of one connection: what the second user sees, after the first. */
async function withPool<T>(options: PoolOptions, work: (pool: ConnectionPool) => Promise<T>): Promise<T> {
  const pool = createPool({ uri: databaseUrl(), max: 1, ...options });
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

type Queries = Pick<ConnectionPool, 'query'>;

async function scalar(db: Queries, sql: string): Promise<unknown> {
  const [[row]] = (await db.query<RowDataPacket[]>(sql)) as unknown as [RowDataPacket[]];
  return Object.values(row ?? {})[0];
}

describe('what a session keeps unseen', () => {
  before(() => runAll([...DROP, ...CREATE]));
  after(() => runAll(DROP));

  it('without autocommit, a first statement that is refused leaves no transaction open', async () => {
    await withPool({ onConnect: 'SET autocommit = 0' }, async (pool) => {
      await assert.rejects(pool.query(`INSERT INTO ${table} VALUES (1, 2)`), { errno: 1062 });
      assert.equal(await scalar(pool, 'SELECT @@in_transaction'), 0);
    });
  });
});
