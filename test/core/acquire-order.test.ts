import assert from 'node:assert/strict';
import { TestPool, track } from './fixture.js';

describe('acquire order', () => {
  it('opens nothing before it is asked', async () => {
    const { clock, driver } = new TestPool();
    await clock.advance(60_000);
    assert.equal(driver.opens.length, 0);
  });

  it('serves those who wait in the order in which they came', async () => {
    const { clock, pool } = new TestPool({ max: 3 });
    const holders = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    const served: number[] = [];
    for (let n = 0; n < 10; n++) {
      void pool.acquire().then((lease) => {
        served.push(n);
        holders.push(lease);
      });
    }
    await clock.settle();
    for (let n = 0; n < 10; n++) {
      holders.shift()?.release();
      await clock.settle();
    }
    assert.deepEqual(served, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('keeps that order among a thousand, whoever of them has a shorter deadline', async () => {
    const test = new TestPool({ max: 3, acquireTimeoutMs: 60_000 });
    const holders = [await test.pool.acquire(), await test.pool.acquire(), await test.pool.acquire()];
    const expected = Array.from({ length: 1_000 }, (_, n) => n);
    const served: number[] = [];
    for (const n of expected) {
      void test.pool.acquire({ timeoutMs: 30_000 + ((n * 7_919) % 1_000) }).then((lease) => {
        served.push(n);
        holders.push(lease);
      });
    }
    await test.clock.settle();
    while (served.length < expected.length) {
      for (const held of holders.splice(0)) held.release();
      await test.clock.settle();
    }
    assert.deepEqual(served, expected);
  });

  it('never lets a newcomer, or tryAcquire, overtake one who waits', async () => {
    const { clock, pool } = new TestPool({ max: 1 });
    const held = await pool.acquire();
    const first = track(pool.acquire());
    await clock.settle();
    held.release();
    const second = track(pool.acquire());
    assert.equal(pool.tryAcquire(), undefined);
    await clock.settle();
    assert.equal(first.state, 'fulfilled');
    assert.equal(second.state, 'pending');
  });

  it('a pool of one serves one after another without end', async () => {
    const { clock, pool, driver } = new TestPool({ max: 1 });
    for (let n = 0; n < 5; n++) await pool.query('SELECT 1');
    await clock.settle();
    assert.equal(driver.opens.length, 1);
  });

  for (const [reuse, expected] of [
    ['lifo', 2],
    ['fifo', 0],
  ] as const) {
    it(`${reuse}: the idle connection that came back ${expected === 0 ? 'first' : 'last'} is used first`, async () => {
      const { clock, pool, ...test } = await withThreeIdle(reuse);
      const lease = pool.tryAcquire();
      assert.equal(lease?.threadId, test.threads[expected]);
      await clock.settle();
    });
  }

  it('tryAcquire gives an idle connection at once, and never opens one', async () => {
    const { clock, pool, driver } = new TestPool({ max: 2 });
    assert.equal(pool.tryAcquire(), undefined);
    await clock.settle();
    assert.equal(driver.opens.length, 0);
    (await pool.acquire()).release();
    assert.ok(pool.tryAcquire());
  });
});

async function withThreeIdle(reuse: 'lifo' | 'fifo') {
  const test = new TestPool({ max: 3, reuse });
  const leases = [await test.pool.acquire(), await test.pool.acquire(), await test.pool.acquire()];
  const threads = leases.map(({ threadId }) => threadId);
  for (const lease of leases) lease.release();
  await test.clock.settle();
  return { clock: test.clock, pool: test.pool, threads };
}
