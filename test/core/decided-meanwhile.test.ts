import assert from 'node:assert/strict';
import { connectError, lostError, serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

async function idle(test: TestPool, count: number) {
  const leases = [];
  for (let n = 0; n < count; n++) leases.push(await test.pool.acquire());
  for (const lease of leases) await lease.query('SELECT 1');
  for (const lease of leases) lease.release();
  await test.clock.settle();
}

describe('what was decided while a connection was opened, asked or reset', () => {
  it('one that dies while it is asked: the next idle one is asked or flushed, the waiter does not wait beside it', async () => {
    const test = new TestPool({ max: 2, validateAfterMs: 500, maxOpening: 2, idleTimeoutMs: 0 });
    await idle(test, 2);
    await test.clock.advance(600);
    test.driver.pingReply = 'hang';
    test.driver.onOpen = (open) => open.fail(connectError('ECONNREFUSED'));
    void track(test.pool.acquire());
    await test.clock.settle();
    test.connection(1).lose();
    await test.clock.settle();
    assert.equal(test.stats().idle, 0);
  });

  it('a failed ping: an idle one that was heard of since is asked, and serves the waiter', async () => {
    const test = new TestPool({
      max: 2,
      validateAfterMs: 500,
      maxOpening: 2,
      idleTimeoutMs: 0,
      reuse: 'fifo',
    });
    await idle(test, 2);
    const [a, b] = [await test.pool.acquire(), await test.pool.acquire()];
    a.release();
    await test.clock.advance(500);
    await test.rest(b.query('SELECT 2'));
    b.release();
    await test.clock.advance(100);
    test.connection(0).pingReply = lostError();
    test.driver.onOpen = (open) => open.fail(connectError('ECONNREFUSED'));
    const lease = track(test.pool.acquire());
    await test.clock.settle();
    assert.equal(lease.state, 'fulfilled');
  });

  it('resize down while connections are being reset, or asked: the surplus goes', async () => {
    for (const how of ['reset', 'ask'] as const) {
      const test = new TestPool({ max: 3, maxOpening: 3, validateAfterMs: 500, idleTimeoutMs: 0 });
      await idle(test, 3);
      test.driver.resetReply = 'hang';
      test.driver.pingReply = 'hang';
      if (how === 'reset') {
        const leases = await Promise.all([1, 2, 3].map(() => test.pool.acquire()));
        for (const lease of leases) await lease.query('SET @a = 1');
        for (const lease of leases) lease.release();
      } else {
        await test.clock.advance(600);
        const controller = new AbortController();
        for (let n = 0; n < 3; n++) void track(test.pool.acquire({ signal: controller.signal }));
        await test.clock.settle();
        controller.abort();
      }
      await test.clock.settle();
      test.mayExceed = true;
      test.pool.resize({ max: 1 });
      for (const connection of test.driver.connections) {
        if (how === 'reset') connection.answerReset();
        else connection.answerPing();
      }
      await test.clock.settle();
      assert.equal(test.stats().idle, 1, how);
    }
  });

  it('evictAll while a connection is being reset, or asked: it does not come back to the idle ones', async () => {
    for (const how of ['reset', 'ask'] as const) {
      const test = new TestPool({ max: 1, validateAfterMs: 500, idleTimeoutMs: 0 });
      await idle(test, 1);
      test.driver.resetReply = 'hang';
      test.driver.pingReply = 'hang';
      if (how === 'reset') {
        void track(test.pool.query('SET @a = 1'));
      } else {
        await test.clock.advance(600);
        const controller = new AbortController();
        void track(test.pool.acquire({ signal: controller.signal }));
        await test.clock.settle();
        controller.abort();
      }
      await test.clock.settle();
      test.pool.evictAll();
      if (how === 'reset') test.connection().answerReset();
      else test.connection().answerPing();
      await test.clock.settle();
      assert.equal(test.stats().idle, 0, how);
    }
  });

  it('several failures of one shutdown renew the pool once: those opened since are kept', async () => {
    const test = new TestPool({ max: 4, maxOpening: 4 });
    const leases = await Promise.all([1, 2].map(() => test.pool.acquire()));
    test.driver.reply = (sql) => (sql.startsWith('UPDATE') ? serverError(1053) : undefined);
    await leases[0]?.query('UPDATE a').catch(() => undefined);
    await test.rest(test.pool.query('SELECT 1'));
    assert.equal(test.stats().idle, 1);
    await leases[1]?.query('UPDATE b').catch(() => undefined);
    await test.clock.settle();
    assert.equal(test.stats().idle, 1, 'the one that was opened after the first failure');
  });

  it('a pool that is closed leaves no timer behind', async () => {
    const test = new TestPool({ max: 1, leakAfterMs: 3_600_000, maxHoldMs: 0 });
    await test.rest(test.pool.query('SELECT 1'));
    await test.rest(test.pool.close());
    await test.clock.advance(10_000);
    assert.deepEqual(test.clock.timers, []);
  });

  it('close({ timeoutMs: 0 }) does not wait for a ping', async () => {
    const test = new TestPool({ max: 1, validateAfterMs: 500, validateTimeoutMs: 60_000 });
    await idle(test, 1);
    await test.clock.advance(600);
    test.driver.pingReply = 'hang';
    void track(test.pool.acquire());
    await test.clock.settle();
    const closed = track(test.pool.close({ timeoutMs: 0 }));
    await test.clock.advance(0);
    assert.equal(closed.state, 'fulfilled');
    assert.equal(test.driver.poolThreads, 0);
  });
});
