import assert from 'node:assert/strict';
import { coded, TestPool } from './fixture.js';
import { TestRequest } from './request-fixture.js';

/** A lease that was given back unused, and the next one, on the same connection. */
async function handedOn() {
  const test = new TestPool({ max: 1 });
  const first = await test.pool.acquire();
  first.release();
  const second = await test.pool.acquire();
  assert.equal(second.threadId, first.threadId);
  return { test, first, second };
}

describe('a lease on which nothing was ever sent', () => {
  it('goes straight back, counted as clean, and as told', async () => {
    const test = new TestPool({ max: 1, reset: 'always' });
    for (let n = 0; n < 3; n++) (await test.pool.acquire()).release();
    test.pool.tryAcquire()?.release();
    const { acquired, released, cleanReleases, reset } = test.stats();
    assert.deepEqual([acquired, released, cleanReleases, reset], [4, 4, 4, 0]);
    assert.deepEqual(
      test.told('release').map(({ route, clean }) => [route, clean]),
      [...Array(3).fill(['pool.acquire', true]), ['pool.tryAcquire', true]],
    );
    assert.deepEqual(test.connection().texts, []);
  });

  it('is over when it was given back: nothing of it touches the next holder', async () => {
    const { test, first, second } = await handedOn();
    assert.deepEqual([first.released, second.released], [true, false]);
    first.release();
    await assert.rejects(first.query('SELECT 1'), coded('LEASE_RELEASED'));
    await assert.rejects(first.beginTransaction(), coded('LEASE_RELEASED'));
    await assert.rejects(
      first.transaction(() => 1),
      coded('LEASE_RELEASED'),
    );
    assert.throws(() => first.connection(), coded('LEASE_RELEASED'));
    first.release();
    assert.deepEqual([second.released, test.stats().leased, test.stats().released], [false, 1, 1]);
    assert.deepEqual([first.inFlight, first.inTransaction], [0, false]);
    await test.rest(second.query('SELECT 2'));
    assert.deepEqual(test.connection().texts, ['SELECT 2']);
  });

  it('nor when both have grown old, or the next holder is a request', async () => {
    const { test, first, second } = await handedOn();
    await test.clock.advance(5_000);
    first.release();
    assert.equal(second.released, false);
    second.release();
    const { db } = new TestRequest(test);
    await test.rest(db.query('SELECT 1'));
    second.release();
    first.release();
    assert.equal(test.stats().leased, 1);
  });

  it('shows who holds the connection, and no statement of an earlier holder', async () => {
    const test = new TestPool({ max: 1 });
    await test.rest(test.pool.query('SELECT secret FROM t'));
    const lease = await test.pool.acquire();
    for (const ms of [300, 5_000]) {
      await test.clock.advance(ms);
      const [holder] = test.pool.holders();
      assert.deepEqual([holder?.route, holder?.statement], ['pool.acquire', undefined]);
    }
    assert.equal(test.pool.holders()[0]?.ageMs, 5_300);
    await test.rest(lease.query('SELECT 1'));
    assert.equal(test.pool.holders()[0]?.statement, 'SELECT ?');
    lease.release();
    assert.deepEqual(test.pool.holders(), []);
  });

  for (const leakAfterMs of [400, 1_000, 3_000]) {
    it(`is reported as a leak after leakAfterMs: ${leakAfterMs}`, async () => {
      const test = new TestPool({ max: 1, leakAfterMs });
      const lease = await test.pool.acquire();
      await test.clock.advance(leakAfterMs - 1);
      assert.deepEqual(test.told('leak'), []);
      await test.clock.advance(1);
      assert.deepEqual(
        test.told('leak').map(({ ageMs, statements }) => [ageMs, statements]),
        [[leakAfterMs, 0]],
      );
      lease.release();
      assert.equal(test.told('unleak').length, 1);
    });
  }

  for (const maxHoldMs of [400, 3_000]) {
    it(`is taken away after maxHoldMs: ${maxHoldMs}`, async () => {
      const test = new TestPool({ max: 1, maxHoldMs });
      const lease = await test.pool.acquire();
      await test.clock.advance(maxHoldMs - 1);
      assert.equal(lease.released, false);
      await test.clock.advance(1);
      assert.deepEqual([lease.released, test.stats().evicted.maxHold], [true, 1]);
      await assert.rejects(lease.query('SELECT 1'), /longer than maxHoldMs/);
    });
  }

  it('whose connection was lost meanwhile says so when it is used, and does not bring it back', async () => {
    for (const use of [true, false]) {
      const test = new TestPool({ max: 1 });
      const lease = await test.pool.acquire();
      test.connection().lose();
      await test.clock.settle();
      if (use) await assert.rejects(lease.query('SELECT 1'), coded('CONNECTION_LOST'));
      lease.release();
      await test.clock.settle();
      assert.deepEqual([test.stats().evicted.broken, test.stats().idle], [1, 0]);
    }
  });

  it('over which the pool was closed is lost, not released, until its holder says so', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    const closed = test.pool.close({ timeoutMs: 100 });
    await test.clock.advance(5_000);
    await closed;
    assert.equal(lease.released, false);
    await assert.rejects(lease.query('SELECT 1'), coded('CONNECTION_LOST'));
    lease.release();
    assert.deepEqual([lease.released, test.stats().released], [true, 1]);
  });

  it('brings back what the pool has no more use for: it is closed, for the reason that there is', async () => {
    const reasons: [string, (test: TestPool) => void][] = [
      ['stale', ({ pool }) => pool.evictAll()],
      ['maxIdle', () => {}],
      ['lifetime', ({ clock }) => clock.stall(100_000)],
    ];
    for (const [reason, change] of reasons) {
      const test = new TestPool({ max: 2, maxIdle: reason === 'maxIdle' ? 0 : 2, maxLifetimeMs: 50_000 });
      const lease = await test.pool.acquire();
      change(test);
      lease.release();
      const { evicted, cleanReleases } = test.stats();
      assert.deepEqual([evicted[reason as 'stale'], cleanReleases], [1, 0], reason);
      assert.deepEqual(
        test.told('release').map(({ clean }) => clean),
        [false],
      );
    }
  });

  it('above a smaller max it is closed', async () => {
    const test = new TestPool({ max: 2 });
    const leases = await Promise.all([test.pool.acquire(), test.pool.acquire()]);
    test.mayExceed = true;
    test.pool.resize({ max: 1 });
    leases[0]?.release();
    const { evicted, released, cleanReleases } = test.stats();
    assert.deepEqual([evicted.resized, released, cleanReleases], [1, 1, 0]);
    assert.deepEqual(
      test.told('release').map(({ clean }) => clean),
      [false],
    );
  });

  it('costs no timer of its own: one look a second at most, and none when all are back', async () => {
    const test = new TestPool({ max: 3 });
    (await test.pool.acquire()).release();
    const before = test.clock.timers.length;
    for (let n = 0; n < 100; n++) (await test.pool.acquire()).release();
    assert.equal(test.clock.timers.length, before);
    await test.clock.advance(2_500);
    assert.ok(
      test.clock.timers.every((ms) => ms > 1_000),
      'nobody looks any more',
    );
  });
});
