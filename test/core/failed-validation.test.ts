import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import { connectError, lostError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

/** A pool with so many idle connections that have been silent for longer than the window of 500 ms. */
async function silent(count: number, options: Partial<PoolOptions> = {}) {
  const test = new TestPool({ max: count, validateAfterMs: 500, maxOpening: count, ...options });
  const leases = [];
  for (let n = 0; n < count; n++) leases.push(await test.pool.acquire());
  for (const lease of leases) lease.release();
  await test.clock.advance(600);
  return test;
}

function pings(test: TestPool): number[] {
  return test.driver.connections.map((connection) => connection.pings);
}

describe('validation that fails', () => {
  it('another connection serves, and the caller hears nothing of it', async () => {
    const test = await silent(1);
    test.connection().pingReply = lostError();
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual([test.connection(0).texts, test.connection(1).texts], [[], ['SELECT 1']]);
    const [eviction] = test.told('evict');
    assert.equal(eviction?.reason, 'validation');
    assert.match(eviction?.detail ?? '', /the ping failed: Connection lost/);
  });

  it('a ping without an answer counts as failed after validateTimeoutMs', async () => {
    const test = await silent(1, { validateTimeoutMs: 200 });
    test.connection().pingReply = 'hang';
    const lease = track(test.pool.acquire());
    await test.clock.advance(199);
    assert.deepEqual([lease.state, test.stats().validating], ['pending', 1]);
    await test.clock.advance(1);
    assert.equal(lease.value.threadId, test.connection(1).threadId);
    assert.match(String(test.connection(0).destroyedWith), /within 200 ms/);
  });

  it('an answer that comes after that changes nothing', async () => {
    const test = await silent(1, { validateTimeoutMs: 200 });
    test.connection().pingReply = 'hang';
    const lease = track(test.pool.acquire());
    await test.clock.advance(200);
    test.connection(0).answerPing();
    await test.clock.settle();
    assert.equal(lease.value.threadId, test.connection(1).threadId);
    assert.deepEqual([test.stats().validated, test.stats().closed], [0, 1]);
  });

  it('ping and new connection share one deadline', async () => {
    const test = await silent(1, { acquireTimeoutMs: 1_000, validateTimeoutMs: 700 });
    test.connection().pingReply = 'hang';
    test.driver.hang();
    const lease = track(test.pool.acquire());
    await test.clock.advance(999);
    assert.equal(lease.state, 'pending');
    await test.clock.advance(1);
    assert.equal(lease.state, 'rejected');
  });

  it('the first failure speaks for all that were silent as long: none of them is asked', async () => {
    const test = await silent(10);
    for (const connection of test.driver.connections) connection.pingReply = 'hang';
    const lease = track(test.pool.acquire());
    await test.clock.advance(1_000);
    assert.equal(lease.value.threadId, test.connection(10).threadId);
    assert.equal(
      pings(test).reduce((a, b) => a + b),
      1,
    );
    assert.deepEqual([test.stats().evicted.validation, test.stats().evicted.distrusted], [1, 9]);
  });

  it('not for one that was heard of since', async () => {
    const test = await silent(2, { max: 2, reuse: 'fifo' });
    const held = await test.rest(test.pool.acquire());
    await test.rest(held.query('SELECT 1'));
    const other = await test.rest(test.pool.acquire());
    await test.clock.advance(450);
    await test.rest(held.query('SELECT 1'));
    other.release();
    held.release();
    await test.clock.advance(100);
    test.driver.pingReply = lostError();
    test.connection(0).pingReply = 'ok';
    const lease = await test.rest(test.pool.acquire());
    assert.deepEqual([test.stats().evicted.validation, test.stats().evicted.distrusted], [1, 0]);
    assert.ok(lease);
  });

  it('a lost connection makes the others be asked, even inside the window, and the news is told once', async () => {
    const test = await silent(3, { validateAfterMs: 5_000 });
    const lease = await test.rest(test.pool.acquire());
    test.connection(2).lose();
    await test.clock.advance(1);
    assert.equal(test.told('distrust').length, 1);
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual(pings(test), [0, 1, 0]);
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual(pings(test), [0, 1, 0], 'it has been asked since');
    lease.release();
  });

  it('what was opened after the loss is not asked', async () => {
    const test = await silent(1, { max: 2, validateAfterMs: 5_000 });
    await test.rest(test.pool.query('SELECT 1'));
    test.connection(0).lose();
    await test.clock.advance(10);
    await test.rest(test.pool.query('SELECT 1'));
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual([test.driver.connections.length, pings(test)], [2, [0, 0]]);
  });

  it('leaves no ghost: nothing runs behind a ping', async () => {
    const test = await silent(1);
    test.connection().pingReply = 'hang';
    test.connection().occupied = false;
    const lease = track(test.pool.acquire());
    await test.clock.settle();
    // The driver counts the ping itself as a command.
    test.connection().occupied = true;
    await test.clock.advance(1_000);
    assert.equal(lease.state, 'fulfilled');
    assert.deepEqual([test.stats().ghost, test.driver.kills], [0, []]);
  });

  it('more dead ones than anybody would try: the statement still runs', async () => {
    const test = await silent(10, { validate: 'always' });
    test.driver.pingReply = lostError();
    const answers = Array.from({ length: 10 }, () => track(test.pool.query('SELECT 1')));
    await test.clock.advance(10);
    assert.deepEqual(new Set(answers.map(({ state }) => state)), new Set(['fulfilled']));
    assert.equal(test.stats().evicted.validation + test.stats().evicted.distrusted, 10);
  });

  it('all are dead and no new one can be had: the acquire ends at its deadline', async () => {
    const test = await silent(3, { acquireTimeoutMs: 2_000 });
    test.driver.pingReply = lostError();
    test.driver.onOpen = (open) => open.fail(connectError('ECONNREFUSED'));
    const lease = track(test.pool.acquire());
    await test.clock.advance(1_999);
    assert.equal(lease.state, 'pending');
    await test.clock.advance(1);
    assert.equal(lease.code, 'OPEN_FAILED');
  });

  it('a session that dies while it is asked is replaced', async () => {
    const test = await silent(1);
    test.connection().pingReply = 'hang';
    const lease = track(test.pool.acquire());
    await test.clock.settle();
    test.connection().lose();
    await test.clock.settle();
    assert.deepEqual(
      [lease.value.threadId, test.stats().evicted.validation],
      [test.connection(1).threadId, 1],
    );
  });

  it('a blocked event loop is not the server’s silence', async () => {
    const test = await silent(1, { validateTimeoutMs: 200 });
    test.connection().pingReply = 'hang';
    const lease = track(test.pool.acquire());
    await test.clock.settle();
    test.clock.stall(10_000);
    // The answer lies in the socket: it is read after the timers had their turn, before what was put off.
    test.clock.after(0, () => test.connection().answerPing());
    await test.clock.advance(0);
    assert.equal(lease.value.threadId, test.connection(0).threadId);
  });
});
