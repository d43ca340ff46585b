import assert from 'node:assert/strict';
import { acquire } from '#core/acquirers.js';
import type { Lease } from '#core/lease.js';
import { Call } from '#core/statement.js';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';

const CLEARING = /^DO LAST_INSERT_ID\(0\)$|^SELECT (?:LAST_INSERT_ID\(0\)|0) FROM information_schema/;

/** A packet as after an INSERT that generated an id. */
class ResultSetHeader {
  readonly serverStatus = 2;
  readonly affectedRows = 1;
  readonly insertId = 7;
}

/** A pool whose one connection has served somebody else. */
async function used(before = 'INSERT INTO t VALUES (1)') {
  const test = new TestPool({ max: 1 });
  await test.rest(test.pool.query(before));
  return { test, before: test.connection().texts.length };
}

async function sentFor(sql: string, before?: string): Promise<string[]> {
  const { test, before: skip } = await used(before);
  await test.rest(test.pool.query(sql));
  return test.connection().texts.slice(skip);
}

/** On a lease as scopes have them. */
function query(lease: Lease, sql: string): Promise<unknown> {
  const call = new Call(false, sql, undefined);
  lease.submit(call);
  return call.promise;
}

describe('what an earlier lease left on a connection', () => {
  for (const sql of [
    'SELECT LAST_INSERT_ID()',
    'SELECT @@identity',
    'SELECT @@last_insert_id',
    'INSERT INTO b (a) VALUES (LAST_INSERT_ID())',
    'SELECT ROW_COUNT()',
    'SELECT FOUND_ROWS()',
    'SHOW WARNINGS',
    'SHOW ERRORS',
    'SHOW COUNT(*) WARNINGS',
    'SELECT @@warning_count',
    'SELECT my_function(1)',
    'CALL p()',
    'SELECT LASTVAL(s)',
    'SET @a = LAST_INSERT_ID()',
  ]) {
    it(`is cleared before: ${sql}`, async () => {
      const [first, second, ...more] = await sentFor(sql);
      assert.match(first ?? '', CLEARING);
      assert.deepEqual([second, more], [sql, []]);
    });
  }

  for (const sql of [
    'SELECT 1',
    'UPDATE t SET a = 1',
    'INSERT INTO t VALUES (1)',
    'START TRANSACTION',
    'COMMIT',
    'SHOW TABLES',
    'SET @a = 1',
    'USE other',
    "SELECT 'SHOW WARNINGS'",
  ]) {
    it(`is left alone by: ${sql}`, async () => {
      assert.deepEqual(await sentFor(sql), [sql]);
    });
  }

  it('is not cleared on a connection that nobody has used, nor after a reset', async () => {
    const fresh = new TestPool({ max: 1 });
    await fresh.rest(fresh.pool.query('SELECT LAST_INSERT_ID()'));
    assert.deepEqual(fresh.connection().texts, ['SELECT LAST_INSERT_ID()']);
    assert.deepEqual(await sentFor('SELECT LAST_INSERT_ID()', 'SET @a = 1'), ['SELECT LAST_INSERT_ID()']);
  });

  it('is cleared once per lease', async () => {
    const { test, before } = await used();
    const lease = await test.pool.acquire();
    for (const sql of ['SELECT LAST_INSERT_ID()', 'SHOW WARNINGS', 'SELECT ROW_COUNT()', 'CALL p()'])
      await lease.query(sql);
    assert.equal(
      test
        .connection()
        .texts.slice(before)
        .filter((sql) => CLEARING.test(sql)).length,
      1,
    );
  });

  it('what the lease itself may have generated is kept', async () => {
    const { test, before } = await used();
    const lease = await acquire(test.flow, { route: 'test' });
    test.driver.reply = (sql) => (sql.startsWith('INSERT') ? { result: new ResultSetHeader() } : undefined);
    await query(lease, 'INSERT INTO t VALUES (2)');
    await query(lease, 'SELECT LAST_INSERT_ID()');
    assert.deepEqual(test.connection().texts.slice(before), [
      'INSERT INTO t VALUES (2)',
      'DO LAST_INSERT_ID(IF(LAST_INSERT_ID() IN (7), LAST_INSERT_ID(), 0))',
      'SELECT LAST_INSERT_ID()',
    ]);
    assert.equal(lease.hasUnreadInsertId, true);
  });

  it('an INSERT that generated none does not hide the id of an earlier lease', async () => {
    const { test, before } = await used();
    const lease = await test.pool.acquire();
    await lease.query('INSERT INTO no_key VALUES (2)');
    await lease.query('SELECT LAST_INSERT_ID()');
    assert.match(test.connection().texts[before + 1] ?? '', CLEARING);
  });

  it('its own warnings, counts, and those of its own failure are not cleared', async () => {
    for (const statements of [
      ['UPDATE t SET warns = 1', 'SHOW WARNINGS'],
      ['UPDATE t SET a = 1', 'SELECT ROW_COUNT()'],
      ['SELECT a FROM t LIMIT 1', 'SELECT FOUND_ROWS()'],
      ['SELECT broken', 'SHOW ERRORS', 'SELECT ROW_COUNT()'],
    ]) {
      const { test, before } = await used();
      test.driver.reply = (sql, { session }) => {
        session.warnings = sql.includes('warns') ? 1 : 0;
        return sql.includes('broken') ? serverError(1054) : undefined;
      };
      const lease = await test.pool.acquire();
      for (const sql of statements) await lease.query(sql).catch(() => undefined);
      assert.deepEqual(test.connection().texts.slice(before), statements);
    }
  });

  it('clearing one thing keeps the owner’s other', async () => {
    for (const [statement, asking, clearing] of [
      ['INSERT INTO t VALUES (2)', 'SHOW WARNINGS', 'SELECT 0 FROM information_schema.ENGINES LIMIT 1'],
      ['UPDATE t SET warns = 1', 'SELECT LAST_INSERT_ID()', 'DO LAST_INSERT_ID(0)'],
    ] as const) {
      const { test, before } = await used();
      test.driver.reply = (sql, { session }) => {
        session.warnings = sql.includes('warns') ? 1 : 0;
        return sql.startsWith('INSERT') ? { result: new ResultSetHeader() } : undefined;
      };
      const lease = await test.pool.acquire();
      await lease.query(statement);
      await lease.query(asking);
      assert.deepEqual(test.connection().texts.slice(before), [statement, clearing, asking]);
    }
  });

  it('is cleared inside a transaction too, without a new one', async () => {
    const { test, before } = await used();
    await test.rest(test.pool.transaction((tx) => tx.query('SELECT LAST_INSERT_ID()')));
    const sent = test.connection().sent.slice(before);
    assert.deepEqual(
      sent.map(({ inTransaction }) => inTransaction),
      [false, true, true, true],
    );
    assert.match(sent[1]?.sql ?? '', CLEARING);
  });

  it('what could not be cleared nobody sees: the statement is not sent, and the connection not kept', async () => {
    const { test, before } = await used();
    test.driver.reply = (sql) => (CLEARING.test(sql) ? serverError(1142) : undefined);
    const lease = await test.pool.acquire();
    await assert.rejects(lease.query('SELECT LAST_INSERT_ID()'), coded('CONNECTION_LOST'));
    assert.equal(test.connection().texts.length, before + 1);
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().evicted.broken, test.stats().idle], [1, 0]);
  });

  it('a one-shot goes to another connection then', async () => {
    const { test } = await used();
    test.connection().reply = (sql) => (CLEARING.test(sql) ? serverError(1142) : undefined);
    const answer = track(test.pool.query('SELECT LAST_INSERT_ID()'));
    await test.clock.advance(100);
    assert.equal(answer.state, 'fulfilled', answer.code);
    assert.deepEqual(test.connection(1).texts, ['SELECT LAST_INSERT_ID()']);
  });

  it('the clearing is in no log and counts as no use', async () => {
    const { test } = await used();
    const lease = await acquire(test.flow, { route: 'test' });
    await query(lease, 'SELECT LAST_INSERT_ID()');
    assert.equal(test.pool.holders()[0]?.statement, 'SELECT LAST_INSERT_ID()');
    assert.equal(lease.statements, 1);
  });
});
