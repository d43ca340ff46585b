import { createConnection } from 'mysql2/promise';

/** The row that every contender reads by its primary key, and answers with as JSON. */
export const ID = 7;
const ROWS = 100;

/** The statement of every contender, with the placeholder that all drivers share. */
export const ONE = 'SELECT id, name, price, description FROM bench_items WHERE id = ?';

/** The requests that are measured: without a query, with one, with three on one connection. */
export const paths = {
  none: '/none',
  one: `/one/${ID}`,
  three: `/three/${ID}`,
  execute: `/execute/${ID}`,
} as const;
export type Route = keyof typeof paths;

export interface Item {
  id: number;
  name: string;
  price: number;
  description: string;
}

export async function createRows(uri: string): Promise<void> {
  const connection = await createConnection(uri);
  try {
    await connection.query('DROP TABLE IF EXISTS bench_items');
    await connection.query(
      'CREATE TABLE bench_items (id INT PRIMARY KEY, name VARCHAR(40), price INT, description VARCHAR(200))',
    );
    const rows = Array.from({ length: ROWS }, (_, n) => [
      n,
      `item ${n}`,
      100 + n,
      'a description '.repeat(8),
    ]);
    await connection.query('INSERT INTO bench_items VALUES ?', [rows]);
  } finally {
    await connection.end();
  }
}
