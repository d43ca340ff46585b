import assert from 'node:assert/strict';
import { lostError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';

async function withIdle(options: ConstructorParameters<typeof TestPool>[0] = {}) {
  const test = new TestPool({ max: 2, ...options });
  const [first, second] = [await test.pool.acquire(), await test.pool.acquire()];
  await first.query('SELECT 1');
  await second.query('SELECT 1');
  first.release();
  second.release();
  await test.clock.settle();
  return test;
}

describe('dead connections', () => {
  it('one that dies while idle is evicted at once and never handed out', async () => {
    const test = await withIdle();
    test.connection(1).lose();
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().evicted.broken], [1, 1]);
    assert.equal(test.pool.tryAcquire()?.threadId, test.connection(0).threadId);
    assert.equal(test.pool.tryAcquire(), undefined);
  });

  it('one whose death nobody has reported yet is found out at hand-out', async () => {
    const test = await withIdle();
    test.connection(1).believedIn = false;
    assert.equal(test.pool.tryAcquire()?.threadId, test.connection(0).threadId);
    assert.equal(test.stats().evicted.broken, 1);
    await test.clock.settle();
    assert.ok(test.connection(1).destroyedWith);
  });

  it('one that is busy although nobody holds it is not handed out', async () => {
    const test = await withIdle();
    test.connection(1).occupied = true;
    assert.equal(test.pool.tryAcquire()?.threadId, test.connection(0).threadId);
    assert.deepEqual(
      [test.connection(1).ended, test.connection(1).lost],
      [false, true],
      'no goodbye: it is cut',
    );
    await test.clock.settle();
    assert.equal(test.stats().evicted.broken, 1);
  });

  it('when all are dead, the acquire gets a fresh one', async () => {
    const test = await withIdle();
    for (const connection of test.driver.connections) connection.believedIn = false;
    const lease = track(test.pool.acquire());
    await test.clock.advance(100);
    assert.equal(lease.value.threadId, test.connection(2).threadId);
  });

  it('one that dies in somebody’s hands is not reused, and frees its slot on release', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    const answer = track(lease.query('SELECT SLEEP(1)'));
    test.connection().lose();
    await assert.rejects(lease.query('SELECT 1'), coded('CONNECTION_LOST'));
    assert.equal(answer.code, 'PROTOCOL_CONNECTION_LOST', 'the driver’s own error for what was under way');
    assert.deepEqual(test.connection().texts, ['SELECT SLEEP(1)']);
    assert.equal(test.stats().leased, 1, 'still somebody’s');
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, test.stats().evicted.broken], [0, 1]);
    assert.match(test.told('evict')[0]?.detail ?? '', /The server closed the connection/);
    assert.notEqual((await test.pool.acquire()).threadId, lease.threadId);
  });

  it('one that dies while it is reset is closed, and a waiter gets another', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    await lease.query('SET @a = 1');
    test.connection().resetReply = 'hang';
    lease.release();
    const waiting = track(test.pool.acquire());
    await test.clock.settle();
    assert.equal(test.stats().resetting, 1);
    test.connection().lose();
    await test.clock.settle();
    assert.equal(test.stats().evicted['reset-failed'], 1);
    assert.equal(waiting.value.threadId, test.connection(1).threadId);
  });

  it('a server that hangs up on fresh connections is not redialled in a loop', async () => {
    const test = new TestPool({ minIdle: 1 });
    test.driver.onOpen = (open) => {
      // A server that never stops hanging up would otherwise keep the test busy for ever.
      if (test.driver.opens.length < 100) open.succeed().lose(lostError());
    };
    await test.clock.advance(1_000);
    assert.ok(test.driver.opens.length <= 6, `${test.driver.opens.length} attempts in a second`);
  });

  it('after an error that the driver calls fatal a connection is not kept', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    test.driver.reply = () => Object.assign(new Error('packets out of order'), { fatal: true });
    await assert.rejects(lease.query('SELECT 1'), /out of order/);
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().evicted.broken, 1);
  });

  for (const errno of [1153, 1047, 1290, 1792, 1836]) {
    it(`after error ${errno} a connection is not kept`, async () => {
      const test = new TestPool({ max: 1 });
      const lease = await test.pool.acquire();
      test.driver.reply = () => Object.assign(new Error('unusable'), { errno });
      await assert.rejects(lease.query('UPDATE t SET a = 1'), { errno });
      lease.release();
      await test.clock.settle();
      assert.deepEqual([test.stats().evicted.broken, test.stats().reset], [1, 0]);
    });
  }
});
