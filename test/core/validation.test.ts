import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import { lostError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';

/** A pool with so many idle connections that have been silent for longer than the window of 500 ms. */
async function silent(count: number, options: Partial<PoolOptions> = {}, silentFor = 600) {
  const test = new TestPool({ max: count, validateAfterMs: 500, maxOpening: count, ...options });
  const leases = [];
  for (let n = 0; n < count; n++) leases.push(await test.pool.acquire());
  for (const lease of leases) lease.release();
  await test.clock.advance(silentFor);
  return test;
}

function pings(test: TestPool): number[] {
  return test.driver.connections.map((connection) => connection.pings);
}

describe('validation: when', () => {
  it('idle: not within validateAfterMs of a sign of life, once after it', async () => {
    const test = await silent(1, {}, 499);
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual(pings(test), [0]);
    await test.clock.advance(499);
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual(pings(test), [0], 'the first answer was the last sign of life');
    await test.clock.advance(500);
    await test.rest(test.pool.query('SELECT 3'));
    assert.deepEqual([pings(test), test.stats().validated], [[1], 1]);
  });

  it('the sign of life is the last answer, not the release', async () => {
    const test = await silent(1, {}, 0);
    const lease = await test.pool.acquire();
    await test.rest(lease.query('SELECT 1'));
    await test.clock.advance(400);
    lease.release();
    await test.clock.advance(200);
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual(pings(test), [1]);
  });

  it('fresh connections are never asked, whatever the options say', async () => {
    for (const options of [{ validate: 'always' }, { validateAfterMs: 0 }] as const) {
      const test = new TestPool({ max: 3, ...options });
      await test.rest(test.pool.query('SELECT 1'));
      assert.deepEqual(pings(test), [0]);
    }
  });

  it('always: each time it is handed out again; validateAfterMs 0 too', async () => {
    for (const options of [{ validate: 'always' }, { validateAfterMs: 0 }] as const) {
      const test = await silent(1, options, 0);
      for (let n = 1; n <= 3; n++) {
        await test.rest(test.pool.query('SELECT 1'));
        assert.deepEqual(pings(test), [n]);
      }
    }
  });

  it('once per lease, however many statements it has', async () => {
    const test = await silent(1, { validate: 'always' });
    const lease = await test.rest(test.pool.acquire());
    for (let n = 0; n < 3; n++) {
      await test.clock.advance(700);
      await test.rest(lease.query('SELECT 1'));
    }
    assert.deepEqual(pings(test), [1]);
  });

  it('one that was asked and not handed out is not asked again for the next', async () => {
    const test = await silent(1, { validateAfterMs: 0 });
    test.driver.pingReply = 'hang';
    const controller = new AbortController();
    const gone = track(test.pool.acquire({ signal: controller.signal }));
    await test.clock.settle();
    controller.abort();
    test.connection().answerPing();
    await test.clock.settle();
    assert.deepEqual([gone.state, test.stats().idle, test.stats().pending], ['rejected', 1, 0]);
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual(pings(test), [1]);
  });

  it('never: no ping, but two turns of the event loop, in which the end of a socket shows', async () => {
    const test = await silent(2, { validate: 'never' });
    const lease = track(test.pool.acquire());
    await test.clock.microtasks();
    assert.deepEqual([lease.state, test.stats().validating], ['pending', 1]);
    await test.clock.settle();
    assert.deepEqual([lease.value.threadId, pings(test)], [test.connection(1).threadId, [0, 0]]);

    const doomed = await silent(1, { validate: 'never' });
    const end = () => {
      doomed.connection(0).believedIn = false;
    };
    doomed.clock.soon(() => doomed.clock.soon(end));
    const other = track(doomed.pool.acquire());
    await doomed.clock.settle();
    assert.equal(other.value.threadId, doomed.connection(1).threadId);
    assert.equal(doomed.stats().evicted.validation, 1);
  });

  it('tryAcquire has no time to ask', async () => {
    const test = await silent(1, { validate: 'always' });
    assert.ok(test.pool.tryAcquire());
    assert.deepEqual(pings(test), [0]);
  });

  it('so many waiters, at most so many are asked, and no new one is opened meanwhile', async () => {
    const test = await silent(4, { max: 8, validate: 'always' });
    test.driver.pingReply = 'hang';
    const waiting = Array.from({ length: 3 }, () => track(test.pool.acquire()));
    await test.clock.settle();
    const { validating, idle, opened } = test.stats();
    assert.deepEqual([validating, idle, opened], [3, 1, 4]);
    for (const connection of test.driver.connections) connection.answerPing();
    await test.clock.settle();
    assert.deepEqual(
      waiting.map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    );
    assert.equal(test.stats().opened, 4);
  });

  it('acquireTimeoutMs 0 does not queue, but does wait for the answer', async () => {
    const test = await silent(1, { acquireTimeoutMs: 0 });
    test.driver.pingReply = 'hang';
    const lease = track(test.pool.acquire());
    await test.clock.settle();
    test.connection().answerPing();
    await test.clock.settle();
    assert.equal(lease.value.threadId, test.connection().threadId);
  });

  it('a connection that a waiter gets from somebody’s hands is not asked', async () => {
    const test = await silent(1);
    const lease = await test.rest(test.pool.acquire());
    const waiting = track(test.pool.acquire());
    await test.rest(lease.query('SELECT 1'));
    lease.release();
    await test.clock.settle();
    assert.deepEqual([waiting.state, pings(test)], ['fulfilled', [1]]);
  });

  it('close() while one is asked: nobody gets it, and nothing is left', async () => {
    const test = await silent(1);
    test.driver.pingReply = 'hang';
    const waiting = track(test.pool.acquire());
    await test.clock.settle();
    const closed = track(test.pool.close());
    await test.clock.settle();
    await assert.rejects(async () => waiting.error && Promise.reject(waiting.error), coded('POOL_CLOSED'));
    test.connection().answerPing();
    await test.clock.settle();
    assert.deepEqual([closed.state, test.driver.poolThreads], ['fulfilled', 0]);
  });

  it('an error of the driver’s socket is not the statement’s fault, a bad value is not the connection’s', async () => {
    const test = await silent(2, {}, 0);
    const lease = await test.pool.acquire();
    test.driver.reply = () => Object.assign(new Error('Duplicate entry'), { errno: 1062 });
    await assert.rejects(test.rest(lease.query('INSERT INTO t VALUES (1)')));
    lease.release();
    test.driver.reply = () => undefined;
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual([pings(test), test.told('distrust').length], [[0, 0], 0]);
    await test.clock.advance(1);
    test.connection(0).lose(lostError());
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual([pings(test), test.told('distrust').length], [[0, 1], 1], 'asked inside the window');
  });
});
