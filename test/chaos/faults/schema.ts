import type { Admin } from './admin.js';

export interface Schemas {
  /** Of the tables below. */
  main: string;
  /** Empty, for USE. */
  other: string;
}

export const schemas: Schemas = { main: 'chaos', other: 'chaos_other' };

/** A bank of this many accounts, with as much in each. */
export const bank = { accounts: 100, each: 500 } as const;
export const total = bank.accounts * bank.each;

/** `ledger` is not unique on purpose: what is done twice must be seen twice. */
const tables = [
  `accounts (id INT PRIMARY KEY, balance INT NOT NULL)`,
  `ledger (id BIGINT AUTO_INCREMENT PRIMARY KEY, op CHAR(36) NOT NULL, KEY (op))`,
  `numbers (n INT PRIMARY KEY, text VARCHAR(200) NOT NULL)`,
  // One row, which a temporary table of the same name hides.
  `shadow (n INT PRIMARY KEY)`,
  `scratch (id INT PRIMARY KEY, n INT NOT NULL)`,
];

const ROWS = 1_000;
/** For what is written and rolled back again. */
const SCRATCH_ROWS = 64;

/** Tables as on the first day. */
export async function createSchemas(admin: Admin): Promise<void> {
  for (const schema of Object.values(schemas)) {
    await admin.query(`CREATE DATABASE IF NOT EXISTS \`${schema}\``);
  }
  for (const table of tables) {
    await admin.query(`CREATE TABLE IF NOT EXISTS ${schemas.main}.${table} ENGINE=InnoDB`);
  }
  await resetBank(admin);
  await fill(admin, 'numbers (n, text)', ROWS, (n) => [n, `number ${n} `.padEnd(100, '.')]);
  await fill(admin, 'shadow (n)', 1, (n) => [n]);
  await fill(admin, 'scratch (id, n)', SCRATCH_ROWS, (id) => [id, 0]);
}

/** Every account as at the start, and nothing in the ledger: for one run after another on the same server. */
export async function resetBank(admin: Admin): Promise<void> {
  await admin.query(`TRUNCATE TABLE ${schemas.main}.ledger`);
  await fill(admin, 'accounts (id, balance)', bank.accounts, (id) => [id, bank.each]);
}

async function fill(admin: Admin, into: string, rows: number, row: (n: number) => unknown[]): Promise<void> {
  const values = Array.from({ length: rows }, (_, index) => row(index + 1));
  await admin.query(`REPLACE INTO ${schemas.main}.${into} VALUES ?`, [values]);
}
