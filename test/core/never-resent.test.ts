import assert from 'node:assert/strict';
import type { RowStream } from '#core/row-stream.js';
import { lostError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

/** The driver wrote to a socket that had ended. */
function brokenPipe(): Error {
  return Object.assign(new Error('write EPIPE'), { code: 'EPIPE', fatal: true });
}

/** So many connections die, one after another, at what matches. */
function dyingAt(pattern: RegExp, error = brokenPipe, deaths = 1) {
  const test = new TestPool({ max: 3 });
  test.driver.reply = (sql, connection) => {
    if (test.driver.connections.indexOf(connection) >= deaths || !pattern.test(sql)) return undefined;
    connection.lose(error());
    return 'hang';
  };
  return test;
}

function elsewhere(test: TestPool): string[] {
  return test.driver.connections.slice(1).flatMap(({ texts }) => texts);
}

describe('a statement is not sent to another connection', () => {
  it('when the server may have got it', async () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', fatal: true });
    for (const error of [lostError(), reset]) {
      const test = dyingAt(/UPDATE/, () => error);
      const answer = track(test.pool.query('UPDATE t SET a = 1'));
      await test.clock.settle();
      assert.deepEqual([answer.error, test.stats().retried, elsewhere(test)], [error, 0, []]);
    }
  });

  it('when what failed is the reading of its answer, of which the driver says as little', async () => {
    const unreadable = () => Object.assign(new Error('thrown by a listener'), { fatal: true });
    const test = dyingAt(/UPDATE|COMMIT/, unreadable);
    const answer = track(test.pool.query('UPDATE t SET a = 1'));
    await test.clock.settle();
    assert.deepEqual([answer.error.message, test.stats().retried], ['thrown by a listener', 0]);
    const other = dyingAt(/COMMIT/, unreadable);
    const work = track(other.pool.transaction((tx) => tx.query('UPDATE t SET a = 2')));
    await other.clock.settle();
    assert.equal(work.code, 'OUTCOME_UNKNOWN');
  });

  it('once rows of it have come, whatever is thrown while they are read', async () => {
    const test = new TestPool({ max: 2 });
    test.driver.reply = () => 'hang';
    const { db } = new TestRequest(test);
    const stream = db.stream('SELECT a FROM t') as RowStream;
    const answer = track(stream.toArray());
    await test.clock.settle();
    stream.statement.onRow({ a: 1 });
    test.connection().lose(brokenPipe());
    await test.clock.settle();
    assert.deepEqual([answer.code, test.stats().retried], ['EPIPE', 0]);
  });

  it('when it was given back with a connection that the driver no longer believes in', async () => {
    const test = new TestPool({ max: 2 });
    test.driver.reply = (sql) => (/UPDATE|COMMIT/.test(sql) ? 'hang' : undefined);
    const { db } = new TestRequest(test);
    const answer = track(db.query('UPDATE t SET a = 1'));
    await test.clock.settle();
    test.connection().believedIn = false;
    await test.rest(db.release());
    assert.deepEqual([answer.code, test.stats().retried], ['PROTOCOL_CONNECTION_LOST', 0]);

    const { db: other } = new TestRequest(test);
    await test.rest(other.beginTransaction());
    const commit = track(other.commit());
    await test.clock.settle();
    test.connection(1).believedIn = false;
    await test.rest(other.release());
    assert.equal(commit.code, 'OUTCOME_UNKNOWN');
  });

  it('a second time', async () => {
    const test = dyingAt(/UPDATE/, brokenPipe, 3);
    const answer = track(test.pool.query('UPDATE t SET a = 1'));
    await test.clock.advance(100);
    assert.deepEqual([answer.code, test.stats().retried], ['EPIPE', 1]);
    assert.deepEqual(elsewhere(test), ['UPDATE t SET a = 1']);
  });

  it('a second time, in a scope', async () => {
    const test = dyingAt(/UPDATE/, brokenPipe, 3);
    const { db } = new TestRequest(test);
    const answer = track(db.query('UPDATE t SET a = 1'));
    await test.clock.advance(100);
    assert.deepEqual([answer.code, test.stats().retried], ['EPIPE', 1]);
  });

  it('a BEGIN a second time', async () => {
    const test = dyingAt(/START/, brokenPipe, 3);
    const { db } = new TestRequest(test);
    const work = track(db.transaction(() => assert.fail('nothing was begun')));
    await test.clock.advance(100);
    assert.deepEqual([work.code, test.stats().retried], ['EPIPE', 1]);
  });

  for (const begin of ['START TRANSACTION', 'SET autocommit = 0']) {
    it(`inside a transaction: ${begin}`, async () => {
      const test = dyingAt(/UPDATE/);
      const { db } = new TestRequest(test);
      await test.rest(db.query(begin));
      await test.rest(db.query('SELECT 1'));
      const answer = track(db.query('UPDATE t SET a = 1'));
      await test.clock.settle();
      assert.deepEqual([answer.code, elsewhere(test), test.stats().retried], ['EPIPE', [], 0]);
      await assert.rejects(db.query('UPDATE t SET a = 2'), coded('TRANSACTION_ROLLED_BACK'));
    });
  }

  it('inside transaction(fn), which runs once', async () => {
    for (const where of ['pool', 'scope'] as const) {
      const test = dyingAt(/UPDATE/);
      const queryable = where === 'pool' ? test.pool : new TestRequest(test).db;
      let runs = 0;
      const work = track(
        queryable.transaction(async (tx) => {
          runs++;
          await tx.query('SELECT 1');
          await tx.query('UPDATE t SET a = 1');
        }),
      );
      await test.clock.settle();
      assert.deepEqual([work.state, runs, elsewhere(test)], ['rejected', 1, []]);
    }
  });

  it('nor a COMMIT', async () => {
    const test = dyingAt(/COMMIT/);
    const work = track(test.pool.transaction((tx) => tx.query('UPDATE t SET a = 1')));
    await test.clock.settle();
    assert.deepEqual([work.code, elsewhere(test)], ['TRANSACTION_ROLLED_BACK', []]);
  });

  for (const sql of [
    "SET time_zone = '+00:00'",
    'CREATE TEMPORARY TABLE b (a INT)',
    'SET @a = 1',
    'CALL p()',
  ]) {
    it(`after what it may depend on: ${sql}`, async () => {
      const test = dyingAt(/UPDATE/);
      const { db } = new TestRequest(test);
      await test.rest(db.query(sql));
      const answer = track(db.query('UPDATE t SET a = 1'));
      await test.clock.settle();
      assert.deepEqual([answer.code, elsewhere(test), test.stats().retried], ['EPIPE', [], 0]);
    });
  }

  for (const sql of ['SELECT LAST_INSERT_ID()', 'SELECT ROW_COUNT()', 'SHOW WARNINGS']) {
    it(`when it asks for what an earlier one left there: ${sql}`, async () => {
      const test = dyingAt(/LAST_INSERT|ROW_COUNT|SHOW/);
      const { db } = new TestRequest(test);
      await test.rest(db.query('INSERT INTO t VALUES (1)'));
      const answer = track(db.query(sql));
      await test.clock.settle();
      assert.deepEqual([answer.code, elsewhere(test)], ['EPIPE', []]);
      await assert.rejects(db.query(sql), coded('CONNECTION_LOST'));
    });
  }

  it('on a lease, which is one connection', async () => {
    const test = dyingAt(/UPDATE/);
    const lease = await test.pool.acquire();
    const answer = track(lease.query('UPDATE t SET a = 1'));
    await test.clock.settle();
    assert.deepEqual([answer.code, elsewhere(test)], ['EPIPE', []]);
  });

  it('after its raw connection was handed out', async () => {
    const test = dyingAt(/UPDATE/);
    const { db } = new TestRequest(test);
    await test.rest(db.connection());
    const answer = track(db.query('UPDATE t SET a = 1'));
    await test.clock.settle();
    assert.deepEqual([answer.code, elsewhere(test)], ['EPIPE', []]);
  });

  it('when its caller has given it up', async () => {
    const test = dyingAt(/UPDATE/);
    const controller = new AbortController();
    test.driver.reply = () => 'hang';
    const { db } = new TestRequest(test);
    const answer = track(db.query({ sql: 'UPDATE t SET a = 1', signal: controller.signal }));
    await test.clock.settle();
    test.driver.killReply = 'hang';
    controller.abort();
    await test.clock.settle();
    test.connection().lose(brokenPipe());
    await test.clock.advance(2_000);
    assert.deepEqual([answer.error.name, elsewhere(test)], ['AbortError', []]);
  });
});
