import assert from 'node:assert/strict';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

async function working(options: ConstructorParameters<typeof TestRequest>[1] = {}) {
  const test = new TestPool({ max: 1 });
  const request = new TestRequest(test, { drainTimeoutMs: 1_000, ...options });
  await request.db.query('SELECT 1');
  const connection = test.connection();
  connection.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
  return { test, request, connection };
}

describe('the end of a request', () => {
  it('is decided one turn later: a commit() on the line after the answer still counts', async () => {
    const { test, request, connection } = await working();
    await request.db.beginTransaction();
    await request.db.query('UPDATE t SET a = 1');
    request.answer();
    await request.db.commit();
    await test.clock.settle();
    assert.deepEqual(connection.texts.at(-1), 'COMMIT');
    assert.deepEqual([test.stats().rolledBack, test.stats().idle], [0, 1]);
  });

  it('a statement and then a commit() after the answer count too, when the statement began in time', async () => {
    const { test, request } = await working();
    await request.db.beginTransaction();
    const connection = test.connection();
    connection.reply = (sql) => (sql.startsWith('UPDATE') ? 'hang' : undefined);
    const work = track(request.db.query('UPDATE t SET a = 1').then(() => request.db.commit()));
    request.answer();
    await test.clock.settle();
    connection.answer();
    await test.clock.settle();
    assert.equal(work.state, 'fulfilled');
    assert.deepEqual([test.stats().rolledBack, test.stats().idle], [0, 1]);
  });

  it('comes once, however often and in whatever order it is seen', async () => {
    const { test, request } = await working();
    request.answer();
    request.answer();
    request.leave();
    await test.clock.settle();
    request.leave();
    await test.clock.settle();
    assert.deepEqual([test.stats().released, request.unwatched], [1, 1]);
  });

  it('waits for a statement in flight, whose caller gets the answer', async () => {
    const { test, request, connection } = await working();
    const answer = track(request.db.query('SELECT SLEEP(1)'));
    request.answer();
    await test.clock.advance(999);
    assert.equal(test.stats().leased, 1);
    connection.answer();
    await test.clock.settle();
    assert.equal(answer.state, 'fulfilled');
    assert.deepEqual([test.stats().idle, test.driver.kills.length], [1, 0]);
  });

  it('after drainTimeoutMs kills the statement: its caller gets QUERY_CANCELLED', async () => {
    const { test, request } = await working();
    const answer = track(request.db.query('SELECT SLEEP(60)'));
    request.answer();
    await test.clock.advance(1_000);
    assert.equal(answer.code, 'QUERY_CANCELLED');
    assert.deepEqual([test.stats().idle, test.driver.kills.length], [1, 1]);
  });

  it('waits for transaction(fn), also between its statements', async () => {
    const { test, request } = await working();
    const work = track(
      request.db.transaction(async (tx) => {
        await tx.query('UPDATE t SET a = 1');
        await new Promise<void>((resolve) => void test.clock.after(500, resolve));
        await tx.query('UPDATE t SET b = 2');
      }),
    );
    await test.clock.settle();
    request.answer();
    await test.clock.advance(400);
    assert.equal(test.stats().leased, 1);
    await test.clock.advance(100);
    assert.equal(work.state, 'fulfilled');
    assert.deepEqual(test.connection().texts.slice(-2), ['UPDATE t SET b = 2', 'COMMIT']);
    assert.equal(test.stats().idle, 1);
  });

  it('waits for its COMMIT, and no longer', async () => {
    const { test, request, connection } = await working();
    connection.reply = (sql) => (sql === 'COMMIT' ? 'hang' : undefined);
    const work = track(request.db.transaction(() => 1));
    request.answer();
    await test.clock.advance(100);
    assert.equal(test.stats().leased, 1);
    connection.answer();
    await test.clock.settle();
    assert.deepEqual([work.state, test.stats().idle], ['fulfilled', 1]);
  });

  it('inside transaction(fn) the session is still the request’s, even when fn has ended the transaction', async () => {
    const { test, request, connection } = await working();
    const rest = track(
      request.db.transaction(async () => {
        await request.db.query('CREATE TABLE t (a INT)');
        await new Promise<void>((resolve) => void test.clock.after(500, resolve));
        await request.db.query('SELECT LAST_INSERT_ID()');
      }),
    );
    request.answer();
    await test.clock.advance(500);
    assert.ok(connection.texts.includes('SELECT LAST_INSERT_ID()'));
    assert.equal(rest.code, 'OUTCOME_UNKNOWN', 'the statement that ended it has committed');
  });

  it('after drainTimeoutMs takes the connection from transaction(fn), whose statements then say so', async () => {
    const { test, request, connection } = await working();
    const work = track(
      request.db.transaction(async (tx) => {
        await tx.query('UPDATE t SET a = 1');
        await new Promise<void>((resolve) => void test.clock.after(5_000, resolve));
        await tx.query('UPDATE t SET b = 2');
      }),
    );
    await test.clock.settle();
    request.answer();
    await test.clock.advance(5_000);
    assert.equal(work.code, 'TRANSACTION_ROLLED_BACK');
    assert.ok(!connection.texts.includes('UPDATE t SET b = 2'));
    assert.deepEqual([test.stats().idle, test.stats().rolledBack], [1, 1]);
    await assert.rejects(request.db.query('UPDATE t SET c = 3'), coded('TRANSACTION_ROLLED_BACK'));
  });

  it('takes it from the transaction(fn) that waits behind it too', async () => {
    const { test, request, connection } = await working();
    const long = () => new Promise<void>((resolve) => void test.clock.after(2_000, resolve));
    const both = [
      track(request.db.transaction(long)),
      track(request.db.transaction((tx) => tx.query('UPDATE t SET b = 2'))),
    ];
    await test.clock.settle();
    request.answer();
    await test.clock.advance(2_000);
    assert.deepEqual(
      both.map(({ code }) => code),
      ['TRANSACTION_ROLLED_BACK', 'TRANSACTION_ROLLED_BACK'],
    );
    assert.ok(!connection.texts.includes('UPDATE t SET b = 2'));
    assert.equal(test.stats().leased, 0);
  });

  it('while the first connection is awaited, the statements that wait for it still run', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.pool.acquire();
    const request = new TestRequest(test);
    const query = track(request.db.query('SELECT 1'));
    await test.clock.settle();
    request.answer();
    await test.clock.settle();
    held.release();
    await test.clock.settle();
    assert.equal(query.state, 'fulfilled');
    assert.equal(test.stats().idle, 1);
  });

  it('that comes while the first connection is awaited: the deadline runs from the hand-over', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.pool.acquire();
    const request = new TestRequest(test, { drainTimeoutMs: 1_000 });
    const query = track(request.db.query('SELECT SLEEP(60)'));
    request.answer();
    await test.clock.advance(2_000);
    test.connection().reply = () => 'hang';
    held.release();
    await test.clock.advance(999);
    assert.equal(query.state, 'pending');
    await test.clock.advance(1);
    assert.equal(query.code, 'QUERY_CANCELLED');
  });

  it('a stream that nobody reads any more is awaited, then abandoned', async () => {
    const { test, request, connection } = await working();
    const rows = track(request.db.stream('SELECT SLEEP(60)').toArray());
    request.answer();
    await test.clock.advance(1_000);
    assert.equal(rows.code, 'QUERY_CANCELLED');
    assert.equal(test.stats().idle, 1);
    assert.equal(connection.resets, 1);
  });
});

describe('a handler that is still at work when its client leaves', () => {
  it('keeps the open transaction, and its commit() counts', async () => {
    const { test, request } = await working();
    await request.db.beginTransaction();
    request.leave();
    await test.clock.advance(500);
    await test.rest(request.db.query('UPDATE t SET a = 1'));
    await test.clock.advance(100);
    await test.rest(request.db.commit());
    assert.deepEqual(test.connection().sent.at(-1), { sql: 'COMMIT', inTransaction: true });
    assert.deepEqual([test.stats().idle, test.stats().rolledBack], [1, 0]);
  });

  it('loses it when it answers', async () => {
    const { test, request } = await working();
    await request.db.beginTransaction();
    request.leave();
    await test.clock.advance(500);
    request.answer();
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().rolledBack], [1, 1]);
  });

  it('loses it after drainTimeoutMs', async () => {
    const { test, request } = await working();
    await request.db.beginTransaction();
    request.leave();
    await test.clock.advance(1_000);
    assert.deepEqual([test.stats().idle, test.stats().rolledBack], [1, 1]);
  });

  it('keeps no connection without a transaction', async () => {
    const { test, request } = await working();
    request.leave();
    await test.clock.settle();
    assert.equal(test.stats().idle, 1);
  });
});
