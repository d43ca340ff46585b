import { randomBytes } from 'node:crypto';
import { clientErrorMessage } from './url.mjs';

const ours = /^handback_(demo|test)_[a-z0-9_]+$/;

/** @param {'demo' | 'test'} purpose */
export function newSchemaName(purpose) {
  return `handback_${purpose}_${randomBytes(5).toString('hex')}`;
}

/**
 * What stands between a wrong variable and somebody's data: no schema is created or dropped here without passing.
 *
 * @param {string} name
 */
export function assertOurSchema(name) {
  if (ours.test(name)) return;
  throw new Error(
    `refusing to create or drop \`${name}\`: only handback_demo_… and handback_test_… are ours`,
  );
}

/** @param {string} url of the server @param {string} name @returns {Promise<string>} the url of the schema */
export async function createSchema(url, name) {
  assertOurSchema(name);
  await runSql(url, `CREATE SCHEMA \`${name}\``);
  return urlOfSchema(url, name);
}

/** @param {string} url of the server @param {string} name */
export async function dropSchema(url, name) {
  assertOurSchema(name);
  await runSql(url, `DROP SCHEMA IF EXISTS \`${name}\``);
}

/** @param {string} url @param {string} name */
export function urlOfSchema(url, name) {
  const result = new URL(url);
  result.pathname = `/${name}`;
  return result.href;
}

/** @param {string} url @param {string} sql */
async function runSql(url, sql) {
  // Imported here and not above: this file is also loaded before the packages are installed.
  const { createConnection } = await import('mysql2/promise');
  try {
    const connection = await createConnection({ uri: url, connectTimeout: 5_000 });
    try {
      await connection.query(sql);
    } finally {
      await connection.end();
    }
  } catch (error) {
    throw new Error(clientErrorMessage(url, error));
  }
}
