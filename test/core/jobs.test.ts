import assert from 'node:assert/strict';
import { coded, TestPool, track } from './fixture.js';

describe('run and wrap', () => {
  it('a job has a connection from its first query until it has settled', async () => {
    const test = new TestPool({ max: 1 });
    const result = await test.pool.run(async function nightly(db) {
      await db.query('SELECT 1');
      assert.equal(test.pool.holders()[0]?.route, 'nightly');
      return 'done';
    });
    await test.clock.settle();
    assert.equal(result, 'done');
    assert.deepEqual([test.stats().acquired, test.stats().idle], [1, 1]);
  });

  it('one without a query opens nothing', async () => {
    const test = new TestPool();
    assert.equal(await test.pool.run(() => 7), 7);
    assert.equal(test.driver.opens.length, 0);
  });

  it('one that throws gives its connection back, and its transaction is rolled back', async () => {
    const test = new TestPool({ max: 1 });
    const failure = new Error('job failed');
    const job = test.pool.run(async (db) => {
      await db.beginTransaction();
      throw failure;
    });
    await assert.rejects(job, failure);
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().rolledBack], [1, 1]);
  });

  it('wrap gives a function that takes its arguments after the scope', async () => {
    const test = new TestPool({ max: 1 });
    const add = test.pool.wrap(async (db, a: number, b: number) => {
      await db.query('SELECT 1');
      return a + b;
    });
    assert.equal(await add(2, 3), 5);
    assert.equal(await add(4, 5), 9);
    await test.clock.settle();
    assert.deepEqual([test.stats().acquired, test.stats().leased], [2, 0]);
  });
});

describe('the pool itself', () => {
  it('runs each statement on a connection of its own, given back with the answer', async () => {
    const test = new TestPool({ max: 5, maxOpening: 5 });
    await Promise.all([1, 2, 3].map((n) => test.pool.query(`SELECT ${n}`)));
    await test.clock.settle();
    assert.deepEqual([test.stats().acquired, test.stats().released, test.stats().leased], [3, 3, 0]);
  });

  it('goes to another connection when the first one dies between hand-out and use', async () => {
    const test = new TestPool({ max: 1 });
    await test.pool.query('SELECT 1');
    test.pool.events.once('acquire', () => test.connection().lose());
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual([test.connection(0).texts, test.connection(1).texts], [['SELECT 1'], ['SELECT 2']]);
    assert.deepEqual([test.stats().leased, test.stats().retried], [0, 1]);
  });

  it('gives the connection back after an error too', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = () => Object.assign(new Error('no such table'), { errno: 1146 });
    await assert.rejects(test.pool.query('SELECT * FROM nowhere'), { errno: 1146 });
    await test.clock.settle();
    assert.equal(test.stats().idle, 1);
  });

  it('a stream holds its connection until its rows are read', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = () => ({ result: [{ n: 1 }, { n: 2 }] });
    assert.deepEqual(await test.pool.stream('SELECT n FROM t').toArray(), [{ n: 1 }, { n: 2 }]);
    await test.clock.settle();
    assert.equal(test.stats().idle, 1);
  });

  it('a stream whose connection is lost ends in an error, never in silence', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = () => 'hang';
    const rows = track(test.pool.stream('SELECT n FROM t').toArray());
    await test.clock.settle();
    test.connection().lose();
    await test.clock.settle();
    assert.equal(rows.code, 'PROTOCOL_CONNECTION_LOST');
    assert.equal(test.stats().leased, 0);
  });

  it('warm() opens minIdle connections, at least one, and says when it can’t', async () => {
    const one = new TestPool();
    await one.pool.warm();
    assert.equal(one.stats().idle, 1);
    const three = new TestPool({ minIdle: 3 });
    await three.pool.warm();
    assert.equal(three.stats().idle, 3);
    const none = new TestPool();
    none.driver.refuse('ER_ACCESS_DENIED_ERROR', 1045);
    await assert.rejects(none.pool.warm(), coded('OPEN_FAILED'));
    assert.equal(none.stats().leased, 0);
  });

  it('warm() ends when the pool is closed, before or meanwhile, however long it would wait', async () => {
    const test = new TestPool({ minIdle: 2, acquireTimeoutMs: Number.POSITIVE_INFINITY });
    test.driver.refuse('ECONNREFUSED');
    const meanwhile = track(test.pool.warm());
    await test.clock.advance(1_000);
    assert.equal(meanwhile.state, 'pending');
    await test.rest(test.pool.close());
    assert.equal(meanwhile.code, 'POOL_CLOSED');
    const after = track(test.pool.warm());
    await test.clock.settle();
    assert.equal(after.code, 'POOL_CLOSED');
  });

  it('warm() counts a connection that is being cleaned: no other is opened for it', async () => {
    const test = new TestPool({ minIdle: 1 });
    const lease = await test.rest(test.pool.acquire());
    await test.rest(lease.query('SET @a = 1'));
    test.driver.resetReply = 'hang';
    for (const connection of test.driver.connections) connection.resetReply = 'hang';
    lease.release();
    assert.equal(test.stats().resetting, 1);
    const warm = track(test.pool.warm());
    await test.clock.settle();
    assert.equal(warm.state, 'fulfilled');
  });

  it('warm() takes its time where an acquire would not queue', async () => {
    const test = new TestPool({ minIdle: 2, acquireTimeoutMs: 0 });
    test.driver.refuse('ECONNREFUSED');
    const warm = track(test.pool.warm());
    await test.clock.advance(300);
    test.driver.accept();
    await test.clock.advance(2_000);
    assert.equal(warm.state, 'fulfilled');
  });

  it('acquire and close refuse durations that are none', async () => {
    const { pool } = new TestPool();
    for (const timeoutMs of [-1, 0.5, Number.NaN, '5' as never]) {
      await assert.rejects(pool.acquire({ timeoutMs }), coded('INVALID_OPTION'));
      await assert.rejects(pool.close({ timeoutMs }), coded('INVALID_OPTION'));
    }
  });
});
