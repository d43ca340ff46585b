import assert from 'node:assert/strict';
import { coded, TestPool, track } from './fixture.js';

describe('connections that nobody may use again', () => {
  it('another character set: closed, not reset', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    await lease.query('SET NAMES gbk');
    test.connection().otherCharset = true;
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().evicted.charset, test.connection().resets], [1, 0]);
    assert.equal(test.connection().ended, true, 'with a goodbye: it is quiet');
  });

  it('another schema, where none is configured to go back to: closed', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    test.connection().hasSchema = false;
    await lease.query('USE other');
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().evicted.schema, 1);
  });

  it('another role, which a reset would keep: closed', async () => {
    const test = new TestPool({ max: 1 });
    await test.pool.query('SET ROLE admin');
    await test.clock.settle();
    assert.deepEqual([test.stats().evicted.role, test.connection().ended], [1, true]);
  });

  it('its raw connection was handed out: closed, since what happened on it can’t be known', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    assert.equal(lease.connection(), test.connection().raw);
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().evicted.exposed, test.connection().ended], [1, true]);
  });

  it('a raw connection still at work is awaited, then its command is killed', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 1_000 });
    const lease = await test.pool.acquire();
    lease.connection();
    test.connection().occupied = true;
    lease.release();
    await test.clock.advance(900);
    assert.deepEqual([test.stats().draining, test.driver.kills.length], [1, 0]);
    await test.clock.advance(100);
    assert.equal(test.driver.kills.length, 1);
    test.connection().occupied = false;
    await test.clock.advance(100);
    assert.equal(test.stats().evicted.exposed, 1);
  });

  it('a raw connection that falls quiet in time is not killed', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 1_000 });
    const lease = await test.pool.acquire();
    lease.connection();
    test.connection().occupied = true;
    lease.release();
    await test.clock.advance(500);
    test.connection().occupied = false;
    await test.clock.advance(5_000);
    assert.deepEqual([test.stats().evicted.exposed, test.driver.kills.length], [1, 0]);
  });

  it('the raw connection of a lost connection is not handed out', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    test.connection().lose();
    await assert.rejects(async () => lease.connection(), coded('CONNECTION_LOST'));
  });

  it('one that does not answer the goodbye is cut after a second, and its slot is free', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    lease.connection();
    test.connection().saysGoodbye = false;
    lease.release();
    const waiting = track(test.pool.acquire());
    await test.clock.advance(999);
    assert.deepEqual([test.stats().closing, waiting.state], [1, 'pending']);
    await test.clock.advance(1);
    assert.ok(test.connection().destroyedWith);
    assert.equal(waiting.state, 'fulfilled');
  });

  it('each eviction is told with its reason in words', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    lease.connection();
    lease.release();
    await test.clock.settle();
    assert.deepEqual(
      test.told('evict').map(({ reason, detail }) => ({ reason, detail })),
      [{ reason: 'exposed', detail: 'its raw connection was handed out' }],
    );
  });
});
