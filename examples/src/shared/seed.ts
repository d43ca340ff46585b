import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

export const USERS = 200;
export const ACCOUNTS = 50;
export const BALANCE = 1_000;
export const VISITS = 100_000;

const TABLES = [
  'users (id INT PRIMARY KEY, name VARCHAR(60) NOT NULL, email VARCHAR(100) NOT NULL)',
  'accounts (id INT PRIMARY KEY, balance INT NOT NULL)',
  'transfers (id VARCHAR(36) PRIMARY KEY, from_id INT NOT NULL, to_id INT NOT NULL, amount INT NOT NULL)',
  'visits (id INT PRIMARY KEY, user_id INT NOT NULL, page VARCHAR(40) NOT NULL, ms INT NOT NULL)',
];

const FIRST_NAMES =
  'Ada Alan Anita Barbara Cynthia Dana Edgar Frances Grace Hedy Ivan Joan Karen Leslie Margaret Niklaus Radia Sophie Tim Yukihiro';
const LAST_NAMES = 'Abbott Berg Costa Dubois Eriksen Fischer Garcia Hughes Ito Jansen';

/** Five digits make a number from 0 to 99 999, on the server: nothing is sent. */
const INSERT_VISITS = `
  INSERT IGNORE INTO visits (id, user_id, page, ms)
  WITH RECURSIVE digits AS (SELECT 0 AS d UNION ALL SELECT d + 1 FROM digits WHERE d < 9),
  numbers AS (
    SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d AS n
    FROM digits AS a, digits AS b, digits AS c, digits AS d, digits AS e
  )
  SELECT n + 1, n % ${USERS} + 1, CONCAT('/pages/', n % 31), n * 37 % 401 FROM numbers`;

/**
 * Fills the demo's tables in the schema that `url` names. What is there already stays, so that seeding again changes
 * nothing. Only schemas named handback_… are touched: other people have tables named `users` too.
 */
export async function seed(url: string): Promise<void> {
  await using pool = createPool(url);
  await checkSchema(pool);
  for (const table of TABLES) await pool.query(`CREATE TABLE IF NOT EXISTS ${table} ENGINE=InnoDB`);
  await pool.query('INSERT IGNORE INTO users (id, name, email) VALUES ?', [users()]);
  await pool.query('INSERT IGNORE INTO accounts (id, balance) VALUES ?', [accounts()]);
  if ((await countVisits(pool)) < VISITS) await pool.query(INSERT_VISITS);
}

async function checkSchema(pool: ConnectionPool): Promise<void> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT DATABASE() AS name');
  const name: string | null = rows[0]?.name;
  if (!name?.startsWith('handback_'))
    throw new Error(
      `Only a schema whose name begins with handback_ is seeded, not ${name ?? 'a server without one'}.`,
    );
}

async function countVisits(pool: ConnectionPool): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT COUNT(*) AS count FROM visits');
  return rows[0]?.count;
}

function users() {
  const names = LAST_NAMES.split(' ').flatMap((last) =>
    FIRST_NAMES.split(' ').map((first) => `${first} ${last}`),
  );
  return names.map((name, index) => [index + 1, name, `${name.toLowerCase().replace(' ', '.')}@example.com`]);
}

function accounts() {
  return Array.from({ length: ACCOUNTS }, (_, index) => [index + 1, BALANCE]);
}
