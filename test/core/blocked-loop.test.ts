import assert from 'node:assert/strict';
import { systemClock } from '#core/clock.js';
import type { PoolOptions } from '#core/options.js';
import { TestPool, track } from './fixture.js';

/** What has arrived while the event loop was blocked is read after the timers have had their turn, and before what was put off. */
async function blockFor(test: TestPool, ms: number, arrived: () => void): Promise<void> {
  await test.clock.settle();
  test.clock.stall(ms);
  test.clock.after(0, arrived);
  await test.clock.advance(0);
}

async function withLease(options: Partial<PoolOptions> = {}) {
  const test = new TestPool({ max: 1, connectTimeoutMs: 200, validateTimeoutMs: 200, ...options });
  const lease = await test.rest(test.pool.acquire());
  return { test, lease, connection: test.connection() };
}

describe('an event loop that was blocked for three seconds', () => {
  it('gives up no connection that is being opened, whose answers are yet to come', async () => {
    const test = new TestPool({ max: 1, connectTimeoutMs: 200 });
    test.driver.hang();
    const waiting = track(test.pool.acquire());
    await blockFor(test, 3_000, () => {});
    assert.equal(test.driver.opens[0]?.givenUp, null);
    await test.clock.advance(100);
    test.driver.opens[0]?.succeed();
    await test.clock.settle();
    assert.deepEqual([waiting.state, test.stats().opened], ['fulfilled', 1]);
  });

  it('does give it up when the server is silent beyond that', async () => {
    const test = new TestPool({ max: 1, connectTimeoutMs: 200 });
    test.driver.hang();
    void track(test.pool.acquire());
    await blockFor(test, 3_000, () => {});
    await test.clock.advance(199);
    assert.equal(test.driver.opens[0]?.givenUp, null);
    await test.clock.advance(1);
    assert.ok(test.driver.opens[0]?.givenUp);
  });

  it('destroys none whose reset was answered', async () => {
    const { test, lease, connection } = await withLease();
    connection.resetReply = 'hang';
    await test.rest(lease.query('SET @a = 1'));
    lease.release();
    await blockFor(test, 3_000, () => connection.answerReset());
    assert.deepEqual([test.stats().idle, connection.destroyedWith], [1, null]);
  });

  it('nor one whose ping was', async () => {
    const { test, lease, connection } = await withLease({ validate: 'always' });
    lease.release();
    await test.clock.advance(1_000);
    connection.pingReply = 'hang';
    const waiting = track(test.pool.acquire());
    await blockFor(test, 3_000, () => connection.answerPing());
    assert.deepEqual([waiting.state, connection.destroyedWith], ['fulfilled', null]);
  });

  it('nor one whose statement was killed meanwhile, nor the control connection', async () => {
    const { test, lease, connection } = await withLease({ queryTimeoutMs: 100 });
    connection.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    test.driver.killReply = 'hang';
    const answer = track(lease.query('SELECT SLEEP(60)'));
    await test.clock.advance(100);
    assert.equal(answer.code, 'QUERY_TIMEOUT');
    const [control] = test.driver.controls;
    await blockFor(test, 3_000, () => {
      connection.answer();
      control?.answer();
    });
    await test.rest(lease.query('SELECT 1'));
    assert.deepEqual([connection.destroyedWith, control?.destroyedWith], [null, null]);
  });

  it('nor one that drains, and kills nothing on it', async () => {
    const { test, lease, connection } = await withLease({ drainTimeoutMs: 100 });
    connection.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    void track(lease.query('SELECT SLEEP(1)'));
    lease.release();
    await blockFor(test, 3_000, () => connection.answer());
    assert.deepEqual([test.stats().idle, test.driver.kills, connection.destroyedWith], [1, [], null]);
  });

  it('nor idle ones: time that has passed is no reason to ask the wrong one', async () => {
    const { test, lease, connection } = await withLease({ idleTimeoutMs: 300_000 });
    lease.release();
    test.clock.stall(3_000);
    await test.clock.advance(0);
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual([connection.destroyedWith, test.stats().opened], [null, 1]);
  });
});

describe('the wall clock', () => {
  it('may jump as it likes: nothing is measured by it', async () => {
    const { now } = Date;
    const before = systemClock.now();
    try {
      for (const hours of [-1, 1]) {
        Date.now = () => now() + hours * 3_600_000;
        assert.ok(Math.abs(systemClock.now() - before) < 60_000);
        const test = new TestPool({ max: 2, idleTimeoutMs: 60_000, maxLifetimeMs: 60_000 });
        await test.rest(test.pool.query('SELECT 1'));
        await test.clock.advance(30_000);
        await test.rest(test.pool.query('SELECT 1'));
        assert.deepEqual([test.stats().opened, test.stats().closed], [1, 0]);
      }
    } finally {
      Date.now = now;
    }
  });
});
