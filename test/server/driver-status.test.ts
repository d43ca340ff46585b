import { strict as assert } from 'node:assert';
import { Readable } from 'node:stream';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool, type Lease } from '@handback/core';
import type { ConnectionOptions, ResultSetHeader, RowDataPacket } from 'mysql2';
import { createConnection } from 'mysql2/promise';

const drained = async (rows: Readable) => {
  for await (const row of rows) assert.ok(row);
};

/** Each reads the table in its own way, and ends in an EOF packet rather than in an OK. */
const READINGS: Record<string, (lease: Lease, table: string) => Promise<unknown>> = {
  'a text query': (lease, table) => lease.query(`SELECT n FROM ${table}`),
  'a text query without rows': (lease, table) => lease.query(`SELECT n FROM ${table} WHERE n < 0`),
  'a prepared statement': (lease, table) => lease.execute(`SELECT n, t FROM ${table} WHERE n > ?`, [0]),
  'a row that begins like an OK, and one that begins like an EOF': async (lease, table) => {
    await lease.query(`SELECT '', n FROM ${table}`);
    await lease.query(`SELECT REPEAT('x', 70000), REPEAT('x', 17000000), n FROM ${table} LIMIT 1`);
  },
  'a stream': (lease, table) => drained(lease.stream(`SELECT n FROM ${table}`)),
  'a stream with pauses': (lease, table) =>
    drained(lease.stream(`SELECT n, t FROM ${table}`, [], { highWaterMark: 1 })),
  'a CALL with two results': (lease, table) => lease.query(`CALL ${table}_twice()`),
};

const CONFIGURATIONS: Record<string, ConnectionOptions> = {
  'as it is': {},
  'with compress': { compress: true },
  'with multipleStatements': { multipleStatements: true },
  'with rows as arrays': { rowsAsArray: true },
};

describe('that a SELECT has opened a transaction is seen, on the connection', () => {
  const table = unique('status');

  before(async () => {
    const connection = await createConnection(databaseUrl());
    await connection.query(`CREATE TABLE ${table} (n INT, t TEXT) ENGINE=InnoDB`);
    await connection.query(`INSERT INTO ${table} VALUES (1, REPEAT('x', 100)), (2, NULL), (3, '')`);
    await connection.query(
      `CREATE PROCEDURE ${table}_twice() BEGIN SELECT n FROM ${table}; SELECT n FROM ${table}; END`,
    );
    await connection.end();
  });

  after(async () => {
    const connection = await createConnection(databaseUrl());
    await connection.query(`DROP PROCEDURE ${table}_twice`);
    await connection.query(`DROP TABLE ${table}`);
    await connection.end();
  });

  async function pooled(
    connection: ConnectionOptions,
    work: (pool: ConnectionPool) => Promise<void>,
  ): Promise<void> {
    const pool = createPool({ uri: databaseUrl(), connection, max: 1 });
    pool.events.on('warning', () => {});
    try {
      await work(pool);
    } finally {
      await pool.close();
    }
  }

  for (const [name, configuration] of Object.entries(CONFIGURATIONS)) {
    it(`${name}: by ${Object.keys(READINGS).join(', ')}`, () =>
      pooled(configuration, async (pool) => {
        const lease = await pool.acquire();
        await lease.query('SET autocommit = 0');
        for (const [how, read] of Object.entries(READINGS)) {
          await read(lease, table);
          assert.ok(lease.inTransaction, `not seen after ${how}`);
          await lease.query('ROLLBACK');
          assert.ok(!lease.inTransaction, `still seen after ${how} and ROLLBACK`);
        }
        lease.release();
      }));

    it(`${name}: and that it has not, so that nothing has to be cleaned`, () =>
      pooled(configuration, async (pool) => {
        const codes: string[] = [];
        const status = ({ code }: { code: string }) => code !== 'UNSAFE_SETTING' && codes.push(code);
        pool.events.on('warning', status);
        for (const [how, read] of Object.entries(READINGS).filter(([how]) => !how.includes('CALL'))) {
          const lease = await pool.acquire();
          await read(lease, table);
          assert.ok(!lease.inTransaction, `seen after ${how}`);
          lease.release();
          assert.equal(pool.stats().idle, 1, `a reset after ${how}`);
        }
        assert.deepEqual(codes, []);
      }));
  }

  it('with multipleStatements: by the last of several, and by one before it', () =>
    pooled({ multipleStatements: true }, async (pool) => {
      const lease = await pool.acquire();
      await lease.query('SET autocommit = 0');
      for (const sql of [`SELECT 1; SELECT n FROM ${table}`, `SELECT n FROM ${table}; SELECT 1`]) {
        await lease.query(sql);
        assert.ok(lease.inTransaction, sql);
        await lease.query('ROLLBACK');
      }
      lease.release();
    }));

  it('and it is rolled back when the connection is given back', () =>
    pooled({}, async (pool) => {
      await pool.run(async (db) => {
        await db.query('SET autocommit = 0');
        await db.query(`SELECT n FROM ${table}`);
      });
      await eventually(() => assert.equal(pool.stats().idle, 1));
      assert.equal(pool.stats().rolledBack, 1);
      const [[row]] = await pool.query<RowDataPacket[]>(
        'SELECT @@in_transaction AS inTransaction, @@autocommit AS autocommit',
      );
      assert.deepEqual({ ...row }, { inTransaction: 0, autocommit: 1 });
    }));

  it('LOAD DATA LOCAL is refused, and works inside its transaction where the flag is given', async () => {
    const load = (lease: Lease) =>
      lease.query<ResultSetHeader>({
        sql: `LOAD DATA LOCAL INFILE 'made-up' INTO TABLE ${table} (n)`,
        infileStreamFactory: () => Readable.from([Buffer.from('7\n8\n')]),
      });
    await pooled({}, async (pool) => {
      const lease = await pool.acquire();
      await assert.rejects(load(lease));
      lease.release();
    });
    await pooled({ flags: 'LOCAL_FILES' } as unknown as ConnectionOptions, async (pool) => {
      const lease = await pool.acquire();
      await lease.beginTransaction();
      assert.equal((await load(lease))[0].affectedRows, 2);
      assert.ok(lease.inTransaction);
      lease.release();
      const [[row]] = await pool.query<RowDataPacket[]>(
        `SELECT COUNT(*) AS loaded FROM ${table} WHERE n > 6`,
      );
      assert.equal(row?.loaded, 0);
      assert.equal(pool.stats().rolledBack, 1);
    });
  });
});
