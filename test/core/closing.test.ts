import assert from 'node:assert/strict';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

describe('close', () => {
  it('of a pool that was never used is done at once', async () => {
    const { clock, pool } = new TestPool();
    const closing = track(pool.close());
    await clock.settle();
    assert.equal(closing.state, 'fulfilled');
  });

  it('says goodbye to idle connections', async () => {
    const test = new TestPool();
    await test.pool.query('SELECT 1');
    const closing = track(test.pool.close());
    await test.clock.settle();
    assert.equal(closing.state, 'fulfilled');
    assert.deepEqual([test.connection().ended, test.connection().destroyedWith], [true, null]);
    assert.equal(test.stats().evicted['pool-closed'], 1);
  });

  it('refuses who waits and who comes, in every way', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.pool.acquire();
    const waiting = track(test.pool.acquire());
    const request = new TestRequest(test);
    const query = track(request.db.query('SELECT 1'));
    await test.clock.settle();
    const closing = track(test.pool.close());
    const late = [
      track(test.pool.acquire()),
      track(test.pool.query('SELECT 1')),
      track(test.pool.transaction(() => 1)),
      track(test.pool.run((db) => db.query('SELECT 1'))),
      track(new TestRequest(test).db.query('SELECT 1')),
    ];
    assert.equal(test.pool.tryAcquire(), undefined);
    await test.clock.settle();
    for (const each of [waiting, query, ...late]) assert.equal(each.code, 'POOL_CLOSED');
    assert.equal(closing.state, 'pending');
    held.release();
    await test.clock.settle();
    assert.equal(closing.state, 'fulfilled');
    assert.equal(track(test.pool.acquire()).state, 'pending');
    await assert.rejects(test.pool.acquire(), coded('POOL_CLOSED'));
  });

  it('lets leases finish their work', async () => {
    const test = new TestPool({ max: 2 });
    const lease = await test.pool.acquire();
    const closing = track(test.pool.close());
    await test.clock.advance(5_000);
    await test.rest(lease.query('SELECT 1'));
    await lease.transaction((tx) => tx.query('UPDATE t SET a = 1'));
    assert.equal(closing.state, 'pending');
    lease.release();
    await test.clock.settle();
    assert.equal(closing.state, 'fulfilled');
    assert.equal(test.connection().ended, true);
  });

  it('at its deadline cuts what is left: statements under way get POOL_CLOSED', async () => {
    const test = new TestPool({ max: 2 });
    const lease = await test.pool.acquire();
    await test.pool.acquire();
    test.connection(0).reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    const answer = track(lease.query('SELECT SLEEP(60)'));
    const closing = track(test.pool.close({ timeoutMs: 1_000 }));
    await test.clock.advance(999);
    assert.equal(answer.state, 'pending');
    await test.clock.advance(1);
    assert.equal(answer.code, 'POOL_CLOSED');
    await test.clock.advance(1_000);
    assert.equal(closing.state, 'fulfilled');
    assert.equal(test.driver.poolThreads, 0, 'the statement that ran was killed');
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().closed, 2);
  });

  it('a COMMIT cut off by the deadline is OUTCOME_UNKNOWN', async () => {
    const test = new TestPool();
    const lease = await test.pool.acquire();
    test.connection().reply = (sql) => (sql === 'COMMIT' ? 'hang' : undefined);
    const outcome = track(lease.transaction((tx) => tx.query('UPDATE t SET a = 1')));
    const closing = track(test.pool.close({ timeoutMs: 100 }));
    await test.clock.advance(3_000);
    assert.equal(outcome.code, 'OUTCOME_UNKNOWN');
    assert.equal(closing.state, 'fulfilled');
  });

  it('is idempotent: a second call waits for the same end', async () => {
    const test = new TestPool();
    const lease = await test.pool.acquire();
    const both = [track(test.pool.close()), track(test.pool.close({ timeoutMs: 1 }))];
    await test.clock.advance(100);
    assert.deepEqual(
      both.map(({ state }) => state),
      ['pending', 'pending'],
    );
    lease.release();
    await test.clock.settle();
    assert.deepEqual(
      both.map(({ state }) => state),
      ['fulfilled', 'fulfilled'],
    );
    await test.pool[Symbol.asyncDispose]();
  });

  it('gives up connections that are being opened; none appears afterwards', async () => {
    const test = new TestPool({ minIdle: 1 });
    test.driver.hang();
    const waiting = track(test.pool.acquire());
    await test.clock.settle();
    const closing = track(test.pool.close());
    await test.clock.settle();
    assert.equal(waiting.code, 'POOL_CLOSED');
    assert.equal(test.driver.opens[0]?.givenUp?.message.includes('closed'), true);
    assert.equal(closing.state, 'fulfilled');
    await test.clock.advance(60_000);
    assert.equal(test.driver.opens.length, 1);
  });

  it('hands out nothing from the moment it is called', async () => {
    const test = new TestPool();
    await test.pool.query('SELECT 1');
    await test.clock.settle();
    const closing = track(test.pool.close());
    assert.equal(test.pool.tryAcquire(), undefined);
    await test.clock.settle();
    assert.equal(closing.state, 'fulfilled');
  });

  it('closes what comes out of a reset, or is opened, while it waits', async () => {
    const test = new TestPool({ max: 2 });
    const lease = await test.pool.acquire();
    await lease.query('SET @a = 1');
    test.connection().resetReply = 'hang';
    lease.release();
    const closing = track(test.pool.close());
    await test.clock.settle();
    test.connection().answerReset();
    await test.clock.settle();
    assert.equal(closing.state, 'fulfilled');
    assert.deepEqual([test.connection().ended, test.stats().closed], [true, 1]);
  });

  it('does not wait for a goodbye, a reset or a server that is silent', async () => {
    const test = new TestPool({ max: 3 });
    const leases = [await test.pool.acquire(), await test.pool.acquire(), await test.pool.acquire()];
    for (const connection of test.driver.connections) connection.saysGoodbye = false;
    await leases[1]?.query('SET @a = 1');
    test.connection(1).resetReply = 'hang';
    test.connection(2).reply = () => 'hang';
    void leases[2]?.query('SELECT SLEEP(60)').catch(() => undefined);
    test.driver.onControlOpen = () => {};
    for (const lease of leases) lease.release();
    const closing = track(test.pool.close({ timeoutMs: 2_000 }));
    await test.clock.advance(20_000);
    assert.equal(closing.state, 'fulfilled');
    assert.deepEqual(test.clock.timers, [], 'what is left is left to the server');
  });

  it('leaves no timer behind', async () => {
    const test = new TestPool({ max: 3, drainTimeoutMs: 0 });
    const lease = await test.pool.acquire();
    await lease.query('SET @a = 1');
    test.connection().reply = () => 'hang';
    void track(lease.query('SELECT SLEEP(60)'));
    lease.release();
    void track(test.pool.acquire());
    await test.clock.settle();
    assert.equal(test.driver.kills.length, 1);
    const closing = track(test.pool.close({ timeoutMs: 100 }));
    await test.clock.advance(100);
    assert.equal(closing.state, 'fulfilled');
    assert.equal(test.driver.controls[0]?.ended, true, 'the control connection is closed too');
    assert.deepEqual(test.clock.timers, []);
  });

  it('leaves no timer behind where nothing went wrong', async () => {
    const test = new TestPool({ max: 2 });
    await Promise.all([test.pool.query('SELECT 1'), test.pool.query('SELECT 2')]);
    const closing = track(test.pool.close());
    await test.clock.settle();
    assert.equal(closing.state, 'fulfilled');
    assert.deepEqual(test.clock.timers, []);
  });
});
