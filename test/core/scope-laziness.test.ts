import assert from 'node:assert/strict';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

describe('a scope before its first query', () => {
  it('opens nothing, watches nothing, and its end touches nothing', async () => {
    const test = new TestPool();
    for (let n = 0; n < 100; n++) {
      const request = new TestRequest(test);
      request.db.format('SELECT ?', [1]);
      assert.equal(request.db.state, 'unused');
      assert.deepEqual([request.watched, request.unwatched], [0, 0]);
    }
    await test.clock.settle();
    assert.equal(test.driver.opens.length, 0);
  });

  it('commit, rollback and release have nothing to do, and send nothing', async () => {
    const test = new TestPool();
    const request = new TestRequest(test);
    await request.db.commit();
    await request.db.rollback();
    await request.db.release();
    await test.clock.settle();
    assert.equal(test.driver.opens.length, 0);
    assert.equal(request.db.state, 'unused');
  });

  it('a query that ended requests make gets a connection of its own', async () => {
    for (const over of ['answered', 'gone'] as const) {
      const test = new TestPool();
      const request = new TestRequest(test, { over });
      await request.db.query('SELECT 1');
      await test.clock.settle();
      assert.deepEqual([test.stats().late, test.stats().leased, test.stats().idle], [1, 0, 1], over);
    }
  });
});

describe('a scope with queries', () => {
  it('keeps one connection from the first query to the end', async () => {
    const test = new TestPool();
    const request = new TestRequest(test);
    await request.db.query('SELECT 1');
    await request.db.query('SELECT 2');
    assert.deepEqual([test.stats().acquired, request.db.state, request.watched], [1, 'leased', 1]);
    assert.deepEqual(test.connection().texts, ['SELECT 1', 'SELECT 2']);
    request.answer();
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, request.db.state, request.unwatched], [0, 'ended', 1]);
  });

  it('parallel first queries share one acquire, and run in their order', async () => {
    const test = new TestPool({ max: 5 });
    const request = new TestRequest(test);
    await Promise.all([1, 2, 3].map((n) => request.db.query(`SELECT ${n}`)));
    assert.equal(test.stats().acquired, 1);
    assert.deepEqual(test.connection().texts, ['SELECT 1', 'SELECT 2', 'SELECT 3']);
  });

  it('parallel first queries share one place in the queue, and one refusal', async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 100 });
    await test.pool.acquire();
    const request = new TestRequest(test);
    const queries = [1, 2, 3].map((n) => track(request.db.query(`SELECT ${n}`)));
    await test.clock.settle();
    assert.deepEqual([test.stats().pending, request.db.state], [1, 'waiting']);
    await test.clock.advance(100);
    assert.deepEqual(
      queries.map(({ code }) => code),
      ['ACQUIRE_TIMEOUT', 'ACQUIRE_TIMEOUT', 'ACQUIRE_TIMEOUT'],
    );
    assert.equal(test.stats().timedOut, 1);
  });

  it('may ask again after a refusal', async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 100 });
    const held = await test.pool.acquire();
    const request = new TestRequest(test);
    const refused = track(request.db.query('SELECT 1'));
    await test.clock.advance(100);
    assert.equal(refused.code, 'ACQUIRE_TIMEOUT');
    held.release();
    await test.rest(request.db.query('SELECT 2'));
  });

  it('uses the deadline of its route', async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 5_000 });
    await test.pool.acquire();
    const refused = track(new TestRequest(test, { acquireTimeoutMs: 50 }).db.query('SELECT 1'));
    await test.clock.advance(50);
    assert.equal(refused.code, 'ACQUIRE_TIMEOUT');
  });

  it('release() hands back early, and the next query acquires again', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test);
    await request.db.query('SELECT 1');
    await request.db.release();
    assert.equal(request.db.state, 'released');
    const other = await test.pool.acquire();
    other.release();
    await request.db.query('SELECT 2');
    assert.deepEqual([test.stats().acquired, request.db.state], [3, 'leased']);
    request.answer();
    await test.clock.settle();
    assert.equal(test.stats().leased, 0);
  });

  it('release() with an open transaction rolls it back, and later statements say so', async () => {
    const test = new TestPool();
    const { db } = new TestRequest(test);
    await db.beginTransaction();
    await db.release();
    await assert.rejects(db.query('UPDATE t SET a = 1'), coded('TRANSACTION_ROLLED_BACK'));
    await db.rollback();
    await db.query('SELECT 1');
  });

  it('release() while it waits hands back what comes, after the statements that wait for it', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.pool.acquire();
    const request = new TestRequest(test);
    const query = track(request.db.query('SELECT 1'));
    await request.db.release();
    held.release();
    await test.clock.settle();
    assert.equal(query.state, 'fulfilled');
    assert.equal(test.stats().idle, 1);
  });

  it('a release() whose wait was refused does not cut off a transaction that begins later', async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 100 });
    const held = await test.pool.acquire();
    const { db } = new TestRequest(test);
    const refused = track(db.query('SELECT 1'));
    await db.release();
    await test.clock.advance(100);
    assert.equal(refused.code, 'ACQUIRE_TIMEOUT');
    const beginning = track(db.beginTransaction());
    held.release();
    await test.clock.settle();
    assert.equal(beginning.state, 'fulfilled');
    await db.query('UPDATE t SET a = 1').catch(() => undefined);
    const updates = test.connection().sent.filter(({ sql }) => sql.startsWith('UPDATE'));
    assert.deepEqual(updates, [{ sql: 'UPDATE t SET a = 1', inTransaction: true }]);
  });

  it('connection() gives the raw connection, which nobody else gets afterwards', async () => {
    const test = new TestPool();
    const request = new TestRequest(test);
    assert.equal(await request.db.connection(), test.connection().raw);
    request.answer();
    await test.clock.settle();
    assert.equal(test.stats().evicted.exposed, 1);
  });

  it('where `skip` throws, that is what the query rejects with, each time', async () => {
    const test = new TestPool();
    const failure = new Error('in skip');
    const request = new TestRequest(test, {
      get optedOut(): boolean {
        throw failure;
      },
    });
    await assert.rejects(request.db.query('SELECT 1'), failure);
    await assert.rejects(
      request.db.transaction(() => 1),
      failure,
    );
    assert.deepEqual([request.watched, test.driver.opens.length], [0, 0]);
  });

  it('opted out: every method rejects ROUTE_OPTED_OUT, reading is safe, nothing is watched', async () => {
    const test = new TestPool();
    const request = new TestRequest(test, { optedOut: true, route: 'GET /health' });
    const { db } = request;
    const calls = [
      () => db.query('SELECT 1'),
      () => db.execute('SELECT 1'),
      () => db.beginTransaction(),
      () => db.commit(),
      () => db.rollback(),
      () => db.transaction(() => 1),
      () => db.connection(),
      () => db.stream('SELECT 1').toArray(),
    ];
    for (const call of calls) await assert.rejects(call(), coded('ROUTE_OPTED_OUT'));
    assert.deepEqual([request.watched, test.driver.opens.length, db.state], [0, 0, 'unused']);
  });
});
