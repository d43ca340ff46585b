import { strict as assert } from 'node:assert';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool, type PoolOptions } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';

const EVIL = "\\' OR 1 = 1 -- ";

/** A server of its own: how many statements may be prepared is a setting of all. */
describe('prepared statements', () => {
  let server: ThrowawayServer;
  let operator: ConnectionPool;

  before(async () => {
    server = await startServer();
    operator = createPool({ uri: server.url, max: 1 });
    await operator.query('CREATE DATABASE prepared');
  });

  after(async () => {
    await operator.close();
    await server.stop();
  });

  const allow = (count: number) => operator.query(`SET GLOBAL max_prepared_stmt_count = ${count}`);
  const prepared = async () => {
    const [rows] = await operator.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
    return Number(rows[0]?.Value);
  };

  async function pooled(options: PoolOptions, work: (pool: ConnectionPool) => Promise<void>): Promise<void> {
    const pool = createPool({ uri: `${server.url}prepared`, max: 1, ...options });
    pool.events.on('warning', () => {});
    try {
      await work(pool);
    } finally {
      await pool.close();
      await allow(16_382);
    }
  }

  async function askFor(pool: Pick<ConnectionPool, 'execute'>, n: number): Promise<void> {
    const [rows] = await pool.execute<RowDataPacket[]>(`SELECT ${n % 150} AS n, ? AS m`, [EVIL]);
    assert.deepEqual(rows, [{ n: n % 150, m: EVIL }]);
  }

  it('are at most 100 on each connection', () =>
    pooled({ max: 2 }, async (pool) => {
      const both = [await pool.acquire(), await pool.acquire()];
      for (let n = 0; n < 150; n++) await Promise.all(both.map((lease) => askFor(lease, n)));
      // What the driver drops is closed without an answer: the server may be about to read it.
      await eventually(async () => assert.equal(await prepared(), 200));
      for (const lease of both) lease.release();
    }));

  it('on the raw connection, too', () =>
    pooled({}, (pool) =>
      pool.run(async (db) => {
        const raw = (await db.connection()) as unknown as { execute(sql: string, done: () => void): void };
        for (let n = 0; n < 20; n++)
          await new Promise<void>((done) => raw.execute(`SELECT ${n} AS raw`, done));
        assert.equal(await prepared(), 20);
      }),
    ));

  it('of which the server allows fewer than are wanted: none fails, and each has its own answer', () =>
    pooled({ max: 4 }, async (pool) => {
      await allow(60);
      let most = 0;
      for (let round = 0; round < 20; round++) {
        await Promise.all(Array.from({ length: 40 }, (_, n) => askFor(pool, round * 37 + n)));
        most = Math.max(most, await prepared());
      }
      assert.ok(most > 0 && most <= 60, `${most} prepared`);
    }));

  it('of which the server allows none: the pool works, and values go as literals', () =>
    pooled({}, async (pool) => {
      await allow(0);
      await askFor(pool, 1);
      const values = [null, true, 7, 8n, new Date(86_400_000), Buffer.from([0, 39, 92]), EVIL];
      const [[row]] = await pool.execute<RowDataPacket[]>(
        'SELECT ? IS NULL AS a, ? = 1 AS b, ? + 0 AS c, ? + 0 AS d, DATE(?) IS NOT NULL AS e, HEX(?) AS f, ? AS g',
        values,
      );
      assert.deepEqual({ ...row }, { a: 1, b: 1, c: 7, d: 8, e: 1, f: '00275C', g: EVIL });
      assert.deepEqual((await pool.execute({ sql: 'SELECT ?', values: [1], rowsAsArray: true }))[0], [[1]]);
      assert.deepEqual((await pool.execute('SELECT 2 AS two'))[0], [{ two: 2 }]);
    }));

  const refusals: [why: string, sql: string, values: unknown[], options?: PoolOptions][] = [
    ['a ? in a literal', "SELECT '?' AS a, ? AS b", ["' AS a, 1 AS hacked -- ", 1]],
    ['an object as a value', 'SELECT ? AS a', [{ a: 1 }]],
    ['a list as a value', 'SELECT ? AS a', [[1, 2]]],
    ['what is no number', 'SELECT ? AS a', [Number.NaN], { strictParams: 'off' }],
    ['a second statement', 'SELECT ?; SELECT 2', [1], { connection: { multipleStatements: true } }],
  ];
  for (const [why, sql, values, options] of refusals) {
    it(`${why} is not put into a text: the server's refusal is the caller's`, () =>
      pooled({ uri: `${server.url}prepared`, ...options }, async (pool) => {
        await allow(0);
        await assert.rejects(pool.execute(sql, values as never), {
          code: 'ER_MAX_PREPARED_STMT_COUNT_REACHED',
        });
        assert.deepEqual((await pool.query('SELECT 1 AS one'))[0], [{ one: 1 }]);
      }));
  }

  for (const change of ["SET sql_mode = 'NO_BACKSLASH_ESCAPES'", 'SET NAMES gbk']) {
    it(`nor is anything after ${change}, where it would be read otherwise`, () =>
      pooled({}, async (pool) => {
        await allow(0);
        await pool.run(async (db) => {
          await db.query(change);
          await assert.rejects(db.execute('SELECT ? AS a', [EVIL]), { errno: 1461 });
        });
      }));
  }

  it('a procedure that is refused a statement of its own is not run again', () =>
    pooled({}, async (pool) => {
      await pool.query('CREATE TABLE IF NOT EXISTS done (n INT)');
      await pool.query(
        "CREATE OR REPLACE PROCEDURE half() BEGIN INSERT INTO done VALUES (1); PREPARE p FROM 'SELECT 1'; END",
      );
      await pool.run(async (db) => {
        // Prepared while there was room, beside others that could make room.
        await allow(2);
        await db.execute('SELECT ? AS n', [1]);
        await assert.rejects(db.execute('CALL half()'), { errno: 1461 });
      });
      assert.deepEqual((await pool.query('SELECT n FROM done'))[0], [{ n: 1 }]);
    }));

  it('are prepared anew after a reset, which forgets them', () =>
    pooled({}, async (pool) => {
      for (let n = 0; n < 50; n++) {
        await askFor(pool, n % 3);
        await pool.query('SET @dirty = 1');
      }
      const { opened, reset } = pool.stats();
      assert.deepEqual({ opened, resets: reset >= 49 }, { opened: 1, resets: true });
    }));
});
