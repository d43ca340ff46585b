import { strict as assert } from 'node:assert';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { ConnectionOptions } from 'mysql2';
import { createConnection } from 'mysql2/promise';

const CONFIGURATIONS: Record<string, ConnectionOptions> = {
  rowsAsArray: { rowsAsArray: true },
  nestTables: { nestTables: '_' },
  'typeCast: false': { typeCast: false },
  'a typeCast of the application’s own': { typeCast: () => 'cast' },
};

describe('connection options that change what rows look like', () => {
  const table = unique('rows');
  const role = unique('handback_test_role');

  before(async () => {
    const connection = await createConnection(databaseUrl());
    await connection.query(`CREATE TABLE ${table} (n INT)`);
    await connection.query(
      `CREATE TRIGGER ${table}_trigger BEFORE INSERT ON ${table} FOR EACH ROW SET @leaked = NEW.n`,
    );
    await connection.query(`CREATE ROLE ${role}`);
    await connection.query(`CREATE PROCEDURE ${table}_role() SET ROLE ${role}`);
    await connection.end();
  });

  after(async () => {
    const connection = await createConnection(databaseUrl());
    await connection.query(`DROP TABLE ${table}`);
    await connection.query(`DROP PROCEDURE ${table}_role`);
    await connection.query(`DROP ROLE ${role}`);
    await connection.end();
  });

  for (const [name, configuration] of Object.entries(CONFIGURATIONS)) {
    it(`${name}: the pool reads the server, its triggers and its roles all the same`, async () => {
      const pool = createPool({ uri: databaseUrl(), connection: configuration, max: 1 });
      const warnings: string[] = [];
      pool.events.on('warning', ({ message }) => warnings.push(message));
      try {
        const plain = { rowsAsArray: true, nestTables: false, typeCast: true } as const;
        const see = async (db: Pick<ConnectionPool, 'query'>, expression: string) => {
          const [[row]] = (await db.query({ sql: `SELECT ${expression}`, ...plain })) as [
            [unknown[]],
            unknown,
          ];
          return row?.[0];
        };
        const { version, waitTimeoutMs } = await pool
          .warm()
          .then(() => pool.server as NonNullable<typeof pool.server>);
        assert.equal(version, await see(pool, 'VERSION()'));
        assert.equal(waitTimeoutMs, Number(await see(pool, '@@wait_timeout')) * 1_000);
        await pool.query(`INSERT INTO ${table} VALUES (7)`);
        assert.equal(await see(pool, '@leaked'), null);
        await pool.query(`CALL ${table}_role()`);
        assert.equal(await see(pool, 'CURRENT_ROLE()'), null);
        assert.deepEqual(warnings, []);
      } finally {
        await pool.close();
      }
    });
  }
});
