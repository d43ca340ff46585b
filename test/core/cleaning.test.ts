import assert from 'node:assert/strict';
import mysql from 'mysql2';
import { ResultSetHeader, serverError } from './fake-server.js';
import { TestPool } from './fixture.js';

/** What happens to a connection on which these statements ran. */
async function afterRunning(...statements: string[]) {
  const test = new TestPool({ max: 1 });
  const lease = await test.pool.acquire();
  for (const sql of statements) await lease.query(sql).catch(() => undefined);
  lease.release();
  await test.clock.settle();
  return test;
}

const PLAIN: string[][] = [
  [],
  ['SELECT 1'],
  ['SELECT * FROM users WHERE id = 7', 'UPDATE users SET seen = NOW() WHERE id = 7'],
  ["INSERT INTO t (a) VALUES ('SET x')", 'DELETE FROM t', 'REPLACE INTO t VALUES (1)'],
  ['START TRANSACTION', 'UPDATE t SET a = 1', 'COMMIT'],
  ['BEGIN', 'UPDATE t SET a = 1', 'ROLLBACK'],
  ['START TRANSACTION READ ONLY', 'SAVEPOINT a', 'ROLLBACK TO SAVEPOINT a', 'COMMIT'],
  ['SHOW TABLES', 'DESCRIBE users', 'EXPLAIN SELECT 1'],
];

const DIRTY: string[] = [
  'SET @a = 1',
  'SELECT @a := 1',
  'SET SESSION sql_mode = ""',
  'USE other',
  "SELECT GET_LOCK('a', 1)",
  'LOCK TABLES t READ',
  'CREATE TEMPORARY TABLE t (a INT)',
  'PREPARE s FROM "SELECT 1"',
  'CALL p()',
  'HANDLER t OPEN',
  'SELECT my_function(1)',
  'SELECT 1; SET @a = 1',
  'SELECT SQL_CALC_FOUND_ROWS a FROM t LIMIT 1',
  'SELECT /*!50000 GET_LOCK("a", 1) */',
  'INSERT INTO t VALUES (LAST_INSERT_ID(5))',
  'SELECT NEXT VALUE FOR s',
];

describe('cleaning between two holders', () => {
  for (const statements of PLAIN) {
    it(`goes straight back, without a round trip: ${statements.join('; ') || 'nothing sent'}`, async () => {
      const test = await afterRunning(...statements);
      assert.deepEqual([test.connection().resets, test.stats().cleanReleases, test.stats().idle], [0, 1, 1]);
    });
  }

  for (const statement of DIRTY) {
    it(`is reset first: ${statement}`, async () => {
      const test = await afterRunning(statement);
      assert.deepEqual([test.connection().resets, test.stats().reset, test.stats().idle], [1, 1, 1]);
      assert.equal(test.told('reset').length, 1);
      assert.deepEqual([test.stats().cleanReleases, test.told('release')[0]?.clean], [0, false]);
    });
  }

  it('what dirtied one lease is forgotten after the reset', async () => {
    const test = await afterRunning('SET @a = 1');
    await test.pool.query('SELECT 1');
    await test.clock.settle();
    assert.deepEqual([test.connection().resets, test.stats().cleanReleases], [1, 1]);
  });

  it('SQL in the values counts as well: mysql.raw() may be anything', async () => {
    const test = new TestPool({ max: 1, strictParams: 'off' });
    for (const values of [
      [mysql.raw('@a := 1')],
      [{ a: mysql.raw('GET_LOCK("x", 1)') }],
      [{ a: [mysql.raw('@a := 1')] }],
      [[mysql.raw('f()')]],
    ]) {
      const before = test.stats().reset;
      await test.pool.query('INSERT INTO t SET ?', values as never);
      await test.clock.settle();
      assert.equal(test.stats().reset, before + 1);
    }
  });

  it('in those of a stream too', async () => {
    const test = new TestPool({ max: 1 });
    await test.pool.stream('SELECT ?', [mysql.raw('@a := 1') as never]).toArray();
    await test.clock.settle();
    assert.equal(test.connection().resets, 1);
  });

  it('the isolation level of one transaction is used up by it: no reset', async () => {
    const test = new TestPool({ max: 1 });
    await test.pool.transaction((tx) => tx.query('UPDATE t SET a = 1'), { isolation: 'serializable' });
    await test.clock.settle();
    assert.deepEqual([test.connection().resets, test.stats().cleanReleases], [0, 1]);
    test.driver.reply = (sql) => (sql.startsWith('START') ? serverError(1105) : undefined);
    const work = (tx: { query(sql: string): Promise<unknown> }) => tx.query('UPDATE t SET a = 1');
    await assert.rejects(test.pool.transaction(work, { isolation: 'serializable' }), { errno: 1105 });
    await test.clock.settle();
    assert.equal(test.connection().resets, 1, 'it waits for the next transaction still');
  });

  it('a reset that is done leaves no timer behind', async () => {
    const test = new TestPool({ max: 1 });
    await test.pool.query('SELECT 1');
    await test.clock.settle();
    const before = test.clock.timers;
    await test.pool.query('SET @a = 1');
    await test.clock.settle();
    assert.deepEqual(test.clock.timers, before);
  });

  it('the schema is selected again after anything that may have changed it', async () => {
    assert.equal((await afterRunning('USE other')).connection().restoredSchema, true);
    assert.equal((await afterRunning('SELECT 1; use other')).connection().restoredSchema, true);
  });

  it('an error since the last OK is a reason to reset, one before it is not', async () => {
    for (const [statements, resets] of [
      [['SELECT broken'], 1],
      [['SELECT broken', 'SELECT 1'], 0],
      [['SELECT broken', 'UPDATE t SET a = 1'], 0],
    ] as const) {
      const test = new TestPool({ max: 1 });
      test.driver.reply = (sql) => (sql.includes('broken') ? serverError(1054) : undefined);
      const lease = await test.pool.acquire();
      for (const sql of statements) await lease.query(sql).catch(() => undefined);
      lease.release();
      await test.clock.settle();
      assert.equal(test.connection().resets, resets, statements.join('; '));
    }
  });

  it('a change of session state that only the server reports is a reason to reset', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = () => ({ result: new ResultSetHeader(0x4002) });
    await test.pool.query('UPDATE t SET a = 1');
    await test.clock.settle();
    assert.equal(test.connection().resets, 1);
  });

  it('autocommit that is off is a reason to reset', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = () => ({ result: new ResultSetHeader(0) });
    await test.pool.query('UPDATE t SET a = 1');
    await test.clock.settle();
    assert.equal(test.connection().resets, 1);
  });

  it('a reset that fails destroys the connection and frees its slot', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    await lease.query('SET @a = 1');
    test.connection().resetReply = serverError(1047);
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().evicted['reset-failed'], 1);
    assert.notEqual((await test.pool.acquire()).threadId, lease.threadId);
  });

  it('a reset that hangs is given up after connectTimeoutMs, and its slot is free', async () => {
    const test = new TestPool({ max: 1, connectTimeoutMs: 700 });
    const lease = await test.pool.acquire();
    await lease.query('SET @a = 1');
    test.connection().resetReply = 'hang';
    lease.release();
    await test.clock.advance(699);
    assert.equal(test.stats().resetting, 1);
    await test.clock.advance(1);
    assert.equal(test.stats().evicted['reset-failed'], 1);
    assert.ok(test.connection().destroyedWith);
  });

  it('a reset has a second, however short an acquire is: a slow network costs no connection', async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 300 });
    const lease = await test.pool.acquire();
    await lease.query('SET @a = 1');
    test.connection().resetReply = 'hang';
    lease.release();
    await test.clock.advance(999);
    assert.equal(test.stats().resetting, 1);
    await test.clock.advance(1);
    assert.equal(test.stats().evicted['reset-failed'], 1);
  });
});
