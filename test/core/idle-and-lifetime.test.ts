import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import { TestPool, track } from './fixture.js';

/** A pool whose connections, so many, have come back in order. */
async function withIdle(count: number, options: Partial<PoolOptions> = {}) {
  const test = new TestPool({ max: 5, ...options });
  const leases = await Promise.all(Array.from({ length: count }, () => test.pool.acquire()));
  for (const lease of leases) lease.release();
  await test.clock.settle();
  return test;
}

describe('idle connections', () => {
  it('above maxIdle they are closed when they come back', async () => {
    const test = await withIdle(4, { maxIdle: 2 });
    assert.deepEqual([test.stats().idle, test.stats().evicted.maxIdle], [2, 2]);
  });

  it('maxIdle 0 keeps none, but whoever waits gets the connection', async () => {
    const test = new TestPool({ max: 1, maxIdle: 0 });
    const lease = await test.pool.acquire();
    const waiting = track(test.pool.acquire());
    await test.clock.settle();
    lease.release();
    await test.clock.settle();
    assert.equal(waiting.value.threadId, lease.threadId);
    waiting.value.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().evicted.maxIdle], [0, 1]);
  });

  it('are closed when unused for idleTimeoutMs, not before', async () => {
    const test = await withIdle(3, { idleTimeoutMs: 1_000 });
    await test.clock.advance(999);
    assert.equal(test.stats().idle, 3);
    await test.clock.advance(251);
    assert.deepEqual([test.stats().idle, test.stats().evicted.idle], [0, 3]);
  });

  it('one that is used in between stays', async () => {
    const test = await withIdle(3, { idleTimeoutMs: 1_000 });
    for (let n = 0; n < 10; n++) {
      await test.clock.advance(400);
      await test.rest(test.pool.query('SELECT 1'));
    }
    assert.deepEqual([test.stats().idle, test.stats().opened], [1, 3]);
  });

  it('idleTimeoutMs never goes below minIdle', async () => {
    const test = await withIdle(4, { idleTimeoutMs: 1_000, minIdle: 2 });
    const { opened } = test.stats();
    await test.clock.advance(60_000);
    assert.deepEqual(
      [test.stats().idle, test.stats().opened],
      [2, opened],
      'and nothing is opened in their place',
    );
  });

  it('0 = they stay', async () => {
    const test = await withIdle(3, { idleTimeoutMs: 0, maxLifetimeMs: 0 });
    await test.clock.advance(3_600_000);
    assert.equal(test.stats().idle, 3);
  });

  it('minIdle of them are opened before anybody asks, and replaced when they die', async () => {
    const test = new TestPool({ minIdle: 3 });
    await test.clock.settle();
    assert.equal(test.stats().idle, 3);
    test.connection(0).lose();
    await test.clock.advance(1_000);
    assert.equal(test.stats().idle, 3);
  });

  it('maxIdle does not eat what minIdle asked for', async () => {
    const test = new TestPool({ max: 4, minIdle: 2, maxIdle: 2 });
    await test.clock.settle();
    for (let n = 0; n < 20; n++) {
      const lease = await test.pool.acquire();
      await test.clock.advance(10);
      lease.release();
      await test.clock.advance(10);
    }
    assert.ok(
      test.stats().opened <= 4,
      `${test.stats().opened} connections were opened for one user at a time`,
    );
  });
});

describe('lifetime', () => {
  it('one that is too old is replaced at acquire', async () => {
    const test = await withIdle(1, { maxLifetimeMs: 1_000, idleTimeoutMs: 0 });
    test.clock.stall(1_000);
    const lease = track(test.pool.acquire());
    await test.clock.settle();
    assert.equal(lease.value.threadId, test.connection(1).threadId);
    assert.equal(test.stats().evicted.lifetime, 1);
  });

  it('one that nobody uses is closed by the sweep', async () => {
    const test = await withIdle(2, { maxLifetimeMs: 1_000, idleTimeoutMs: 0 });
    await test.clock.advance(1_250);
    assert.deepEqual([test.stats().idle, test.stats().evicted.lifetime], [0, 2]);
  });

  it('the sweep keeps minIdle: what it closes is replaced', async () => {
    const test = await withIdle(2, { maxLifetimeMs: 1_000, minIdle: 2 });
    await test.clock.advance(10_000);
    assert.equal(test.stats().idle, 2);
    assert.ok(test.stats().evicted.lifetime >= 10);
  });

  it('one in use is never closed for its age, but on its return', async () => {
    const test = new TestPool({ max: 1, maxLifetimeMs: 1_000 });
    const lease = await test.pool.acquire();
    await test.clock.advance(60_000);
    await test.rest(lease.query('SELECT 1'));
    assert.deepEqual([test.stats().leased, test.connection().ended], [1, false]);
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().evicted.lifetime, 1);
  });

  it('is shortened by up to 10 %, so that connections of one burst don’t die together', async () => {
    const test = new TestPool({ max: 4, maxLifetimeMs: 100_000, idleTimeoutMs: 0 });
    const leases = [];
    for (const randomness of [0, 0.3, 0.6, 0.99]) {
      test.clock.randomness = randomness;
      leases.push(await test.pool.acquire());
    }
    for (const lease of leases) lease.release();
    const alive: number[] = [];
    for (const ms of [89_999, 6_000, 4_000, 5_001]) {
      await test.clock.advance(ms);
      alive.push(test.stats().idle);
    }
    assert.deepEqual(alive, [4, 2, 2, 0]);
  });

  for (const use of ['in use all the time', 'idle, and kept ready'] as const) {
    it(`those that were opened together are replaced one at a time: ${use}`, async () => {
      const minIdle = use === 'in use all the time' ? 0 : 10;
      const test = new TestPool({ max: 10, minIdle, maxLifetimeMs: 60_000, idleTimeoutMs: 0, maxOpening: 5 });
      const leases = await Promise.all(Array.from({ length: 10 }, () => test.pool.acquire()));
      for (const lease of leases) lease.release();
      const openLater: typeof test.driver.onOpen = (open) => test.clock.after(20, () => open.succeed());
      test.driver.onOpen = openLater;
      await test.clock.advance(56_900);
      let fewest = 10;
      const look = () => {
        fewest = Math.min(fewest, test.stats().idle + test.stats().leased);
      };
      test.observe('evict', look);
      const failures: unknown[] = [];
      while (test.stats().evicted.lifetime < 10 && test.clock.now() < 62_000) {
        if (minIdle === 0) {
          const load = Array.from({ length: 10 }, () => test.pool.query('SELECT 1'));
          for (const each of load) each.catch((error) => failures.push(error));
        }
        await test.clock.advance(5);
        look();
      }
      assert.deepEqual(failures, []);
      assert.equal(test.stats().evicted.lifetime, 10);
      if (minIdle === 0) assert.equal(fewest, 9);
    });
  }

  it('0 = for ever', async () => {
    const test = await withIdle(1, { maxLifetimeMs: 0, idleTimeoutMs: 0 });
    test.clock.stall(365 * 86_400_000);
    assert.ok(test.pool.tryAcquire());
  });
});
