import assert from 'node:assert/strict';
import mysql from 'mysql2';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest, type TestRequestOptions } from './request-fixture.js';

async function ended(options: TestRequestOptions = {}, statements: string[] = ['SELECT 1']) {
  const test = new TestPool({ max: 2 });
  const request = new TestRequest(test, options);
  for (const sql of statements) await request.db.query(sql);
  request.answer();
  await test.clock.settle();
  return { test, request, db: request.db };
}

const NEED_THE_SESSION = [
  'SELECT LAST_INSERT_ID()',
  'SELECT ROW_COUNT()',
  'SELECT FOUND_ROWS()',
  'SELECT @a',
  'SET @a = 1',
  'SET SESSION sql_mode = ""',
  'USE other',
  'CREATE TEMPORARY TABLE t (a INT)',
  'DROP TEMPORARY TABLE t',
  'LOCK TABLES t READ',
  "SELECT GET_LOCK('a', 1)",
  "DO RELEASE_LOCK('a')",
  'SHOW WARNINGS',
  'BEGIN',
  'START TRANSACTION',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT a',
  'PREPARE s FROM "SELECT 1"',
];

describe('work after the end', () => {
  it('each late statement is leased by itself, goes back at once, and is counted and told', async () => {
    const { test, db } = await ended();
    for (let n = 0; n < 3; n++) {
      await db.query(`UPDATE t SET a = ${n}`);
      await test.clock.settle();
      assert.equal(test.stats().leased, 0);
    }
    assert.deepEqual([test.stats().late, test.stats().acquired], [3, 4]);
    assert.deepEqual(test.told('late')[0], {
      route: 'GET /orders/:id',
      statement: 'UPDATE t SET a = ?',
    });
    assert.equal(db.state, 'ended');
  });

  it('parallel late statements run on connections of their own', async () => {
    const { test, db } = await ended();
    for (const connection of test.driver.connections) connection.reply = () => 'hang';
    test.driver.reply = () => 'hang';
    void track(db.query('SELECT 1'));
    void track(db.query('SELECT 2'));
    await test.clock.settle();
    assert.equal(test.stats().leased, 2);
  });

  it('a late transaction(fn) works, and goes back at its end', async () => {
    const { test, db } = await ended();
    await db.transaction((tx) => tx.query('UPDATE t SET a = 1'));
    await test.clock.settle();
    assert.deepEqual(test.connection().texts.slice(-3), [
      'START TRANSACTION',
      'UPDATE t SET a = 1',
      'COMMIT',
    ]);
    assert.deepEqual([test.stats().late, test.stats().leased], [1, 0]);
  });

  for (const sql of NEED_THE_SESSION) {
    it(`needs the session of its request, SCOPE_ENDED: ${sql}`, async () => {
      const { test, db } = await ended();
      await assert.rejects(db.query(sql), coded('SCOPE_ENDED'));
      assert.deepEqual(test.connection().texts, ['SELECT 1']);
      assert.equal(test.stats().late, 0);
    });
  }

  it('SQL in the values may need it as well', async () => {
    const { db } = await ended();
    await assert.rejects(
      db.query('SELECT ?', [mysql.raw('LAST_INSERT_ID()') as never]),
      coded('SCOPE_ENDED'),
    );
  });

  it('beginTransaction(), connection() and commit() need it too; rollback() and release() have nothing to do', async () => {
    const { test, db } = await ended();
    await assert.rejects(db.beginTransaction(), coded('SCOPE_ENDED'));
    await assert.rejects(db.connection(), coded('SCOPE_ENDED'));
    await assert.rejects(db.commit(), coded('SCOPE_ENDED'));
    await db.rollback();
    await db.release();
    assert.deepEqual(test.connection().texts, ['SELECT 1']);
  });

  for (const before of ["SET time_zone = '+00:00'", 'USE other', 'LOCK TABLES t WRITE']) {
    it(`after ${before} no late statement would mean the same: SCOPE_ENDED`, async () => {
      const { db } = await ended({}, [before]);
      await assert.rejects(db.query('SELECT NOW()'), coded('SCOPE_ENDED'));
    });
  }

  it('a late statement that names a temporary table of the request: SCOPE_ENDED; others run', async () => {
    const { db } = await ended({}, ['CREATE TEMPORARY TABLE `basket` (a INT)']);
    await assert.rejects(db.query('SELECT * FROM basket'), coded('SCOPE_ENDED'));
    await assert.rejects(db.query('INSERT INTO `Basket` VALUES (1)'), coded('SCOPE_ENDED'));
    await db.query("SELECT * FROM orders WHERE name = 'basket'");
  });

  it('an error of a late statement arrives as it is, and its connection goes back', async () => {
    const { test, db } = await ended();
    test.driver.reply = () => Object.assign(new Error('duplicate'), { errno: 1062 });
    await assert.rejects(db.query('INSERT INTO t VALUES (1)'), { errno: 1062 });
    await test.clock.settle();
    assert.equal(test.stats().leased, 0);
  });

  for (const afterResponse of ['reject', 'cancel'] as const) {
    it(`afterResponse '${afterResponse}': all late work is refused`, async () => {
      const { test, db } = await ended({ afterResponse });
      await assert.rejects(db.query('SELECT 1'), coded('SCOPE_ENDED'));
      await assert.rejects(
        db.transaction(() => 1),
        coded('SCOPE_ENDED'),
      );
      await assert.rejects(db.stream('SELECT 1').toArray(), coded('SCOPE_ENDED'));
      assert.equal(test.stats().late, 0);
    });
  }

  it('a late stream gets a connection of its own until it has been read', async () => {
    const { test, db } = await ended();
    assert.deepEqual(await db.stream('SELECT * FROM t').toArray(), [{ value: 1 }]);
    await test.clock.settle();
    assert.deepEqual([test.stats().late, test.stats().leased], [1, 0]);
  });
});

describe('a late stream', () => {
  const rows = Array.from({ length: 100 }, (_, id) => ({ id }));

  it('whose reader is slow keeps its connection', async () => {
    const { test, db } = await ended({ drainTimeoutMs: 1_000 });
    test.driver.reply = () => ({ result: rows });
    const stream = db.stream('SELECT id FROM t', undefined, { highWaterMark: 1 });
    stream.read();
    for (const { id } of rows.slice(0, 10)) {
      await test.clock.advance(900);
      assert.deepEqual(stream.read(), { id });
    }
    assert.equal(test.stats().leased, 1);
    stream.destroy();
    await test.clock.settle();
    assert.equal(test.stats().leased, 0);
  });

  it('that nobody reads any more loses it', async () => {
    const { test, db } = await ended({ drainTimeoutMs: 1_000 });
    test.driver.reply = (sql) => (sql.includes('id') ? { result: rows } : undefined);
    const stream = db.stream('SELECT id FROM t');
    const failed = track(new Promise((_resolve, reject) => stream.once('error', reject)));
    stream.read();
    await test.clock.advance(5_000);
    assert.equal(failed.code, 'QUERY_CANCELLED');
    assert.equal(test.stats().leased, 0);
  });
});
