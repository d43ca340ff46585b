import assert from 'node:assert/strict';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { type Connection, createConnection } from 'mysql2/promise';
import { BUILT_IN, BUILT_IN_FOR_THE_SESSION, BUILT_IN_WHEN_TOUCHING } from '#core/sql-words.js';

/** What no built-in function returns. */
const STORED = 4_711_471_147;

describe('no stored function answers to a name that is taken for a built-in one', function () {
  this.timeout(60_000);
  const schema = unique('handback_test_names');
  let connection: Connection;

  before(async () => {
    connection = await createConnection(databaseUrl());
    await connection.query(`CREATE DATABASE ${schema}`);
    await connection.query(`USE ${schema}`);
  });

  after(async () => {
    await connection.query(`DROP DATABASE ${schema}`);
    await connection.end();
  });

  async function answeredByStored(calls: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const mode of ['', 'ORACLE']) {
      await connection.query(`SET sql_mode = '${mode}'`);
      for (const call of calls) {
        const value = await connection.query({ sql: `SELECT ${call}`, rowsAsArray: true }).then(
          ([rows]) => (rows as unknown[][])[0]?.[0],
          () => null,
        );
        if (Number(value) === STORED) found.push(call);
      }
    }
    await connection.query("SET sql_mode = ''");
    return found;
  }

  async function define(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      await connection.query(`CREATE FUNCTION \`${name}\`(a INT) RETURNS BIGINT NO SQL RETURN ${STORED}`);
    }
  }

  it('whatever space follows', async () => {
    const names = [...BUILT_IN, ...BUILT_IN_FOR_THE_SESSION];
    await define(names);
    assert.deepEqual(await answeredByStored(names.flatMap((name) => [`${name}(1)`, `${name} (1)`])), []);
  });

  it('or, for some, only where no space follows', async () => {
    const names = [...BUILT_IN_WHEN_TOUCHING];
    await define(names);
    assert.deepEqual(await answeredByStored(names.map((name) => `${name}(1)`)), []);
    const apart = await answeredByStored(names.map((name) => `${name} (1)`));
    assert.notDeepEqual(apart, []);
  });

  it('the check would see one', async () => {
    await define(['anything_else']);
    assert.notDeepEqual(await answeredByStored(['anything_else(1)']), []);
  });
});
