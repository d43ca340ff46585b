import assert from 'node:assert/strict';
import type { LeaseHandle } from '#core/lease-handle.js';
import type { PoolOptions } from '#core/options.js';
import { serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

/** A pool to which nobody listens, all of its connections in use and none used yet; `leases`: in the order of its connections. */
async function inUse(options: Partial<PoolOptions>) {
  const test = new TestPool({ maxOpening: 10, ...options });
  test.mayExceed = true;
  test.listenNoMore();
  const asked = Array.from({ length: test.stats().max }, () => track(test.pool.acquire()));
  await test.clock.settle();
  const leases = asked
    .map(({ value }) => value)
    .sort((one, other) => Number(one.threadId) - Number(other.threadId));
  return { test, leases: leases as [LeaseHandle, LeaseHandle] };
}

/** How often it is seen from now on whether the connection is ready, and how often it is looked at more closely. */
function watched(test: TestPool): { plain: number; closer: number } {
  const looks = { plain: 0, closer: 0 };
  Object.assign(test.connection(), {
    isReady: () => ++looks.plain > 0,
    isUsable: () => ++looks.closer > 0,
  });
  return looks;
}

describe('a connection that was found plain when it became idle', () => {
  it('is lent and taken back without a closer look', async () => {
    const { test, leases } = await inUse({ max: 1 });
    leases[0].release();
    const looks = watched(test);
    test.pool.tryAcquire()?.release();
    const asked = track(test.pool.acquire());
    await test.clock.settle();
    asked.value.release();
    assert.deepEqual(looks, { plain: 2, closer: 0 });
  });

  it('is lent so, unproven, to who takes it as it is', async () => {
    const { test, leases } = await inUse({ max: 1, validate: 'always' });
    leases[0].release();
    const looks = watched(test);
    test.pool.tryAcquire()?.release();
    assert.deepEqual(looks, { plain: 1, closer: 0 });
  });

  it('is not lent past those who wait for another one to be asked', async () => {
    const { test, leases } = await inUse({ max: 2, reuse: 'fifo', validateAfterMs: 1_000 });
    leases[0].release();
    await test.clock.advance(1_000);
    await test.rest(leases[1].query('SELECT 1'));
    leases[1].release();
    test.driver.pingReply = 'hang';
    const waiting = track(test.pool.acquire());
    assert.deepEqual([test.stats().validating, test.stats().idle], [1, 1]);
    assert.equal(test.pool.tryAcquire(), undefined);
    test.connection(0).answerPing();
    await test.clock.settle();
    assert.equal(waiting.value.threadId, test.connection(0).threadId);
  });

  it('is plain until the moment at which it has to be asked', async () => {
    const { test, leases } = await inUse({ max: 1, validateAfterMs: 1_000 });
    leases[0].release();
    test.clock.stall(1_000);
    const asked = track(test.pool.acquire());
    await test.clock.settle();
    assert.deepEqual([asked.state, test.connection().pings], ['fulfilled', 1]);
  });

  for (const ends of ['idle', 'in use']) {
    it(`is plain until the moment at which its lifetime ends, ${ends}`, async () => {
      const { test, leases } = await inUse({ max: 1, maxLifetimeMs: 3_000 });
      if (ends === 'idle') leases[0].release();
      test.clock.stall(2_850);
      if (ends === 'idle') assert.equal(test.pool.tryAcquire(), undefined);
      else leases[0].release();
      assert.equal(test.stats().evicted.lifetime, 1);
    });
  }

  it('goes to who waits without a closer look', async () => {
    const { test, leases } = await inUse({ max: 1 });
    const waiting = track(test.pool.acquire());
    const looks = watched(test);
    leases[0].release();
    await test.clock.settle();
    assert.deepEqual([waiting.state, looks], ['fulfilled', { plain: 1, closer: 0 }]);
  });

  it('is asked first, if it has to be by now, before it goes to who waits', async () => {
    const { test, leases } = await inUse({ max: 1, validateAfterMs: 1_000 });
    const waiting = track(test.pool.acquire());
    test.clock.stall(1_000);
    leases[0].release();
    await test.clock.settle();
    assert.deepEqual([waiting.state, test.connection().pings], ['fulfilled', 1]);
  });

  it('is nobody’s when it has come back, and idle since then', async () => {
    const { test, leases } = await inUse({ max: 1, idleTimeoutMs: 10_000 });
    leases[0].release();
    await test.clock.advance(9_000);
    test.pool.tryAcquire()?.release();
    await test.clock.advance(9_000);
    assert.equal(test.stats().idle, 1);
    test.pool.evictAll();
    assert.deepEqual(
      test.told('evict').map(({ lease }) => lease),
      [undefined],
    );
  });

  for (const [what, change] of [
    ['the pool was resized', ({ pool }: TestPool) => pool.resize({ max: 2, minIdle: 0 })],
    ['another one was lost', (test: TestPool) => test.connection(1).lose()],
  ] as const) {
    it(`is looked at more closely once when ${what}`, async () => {
      const { test, leases } = await inUse({ max: 2 });
      leases[1].release();
      leases[0].release();
      const looks = watched(test);
      change(test);
      looks.closer = 0;
      test.pool.tryAcquire()?.release();
      assert.deepEqual(looks, { plain: 0, closer: 1 });
      test.pool.tryAcquire()?.release();
      assert.deepEqual(looks, { plain: 1, closer: 1 });
    });
  }

  it('is asked before it is lent when another one was lost, idle or in use', async () => {
    for (const isIdle of [true, false]) {
      const { test, leases } = await inUse({ max: 2 });
      if (isIdle) leases[0].release();
      await test.clock.advance(1);
      test.driver.hang();
      test.connection(1).lose();
      leases[1].release();
      const waiting = track(test.pool.acquire());
      if (!isIdle) leases[0].release();
      await test.clock.settle();
      assert.deepEqual([waiting.state, test.connection().pings], ['fulfilled', 1]);
    }
  });

  it('is not lent in the turn in which the pool begins to close, nor kept when it comes back', async () => {
    const { test, leases } = await inUse({ max: 2 });
    leases[1].release();
    const closing = track(test.pool.close());
    assert.equal(test.pool.tryAcquire(), undefined);
    leases[0].release();
    assert.equal(test.stats().evicted['pool-closed'], 1);
    await test.clock.settle();
    assert.deepEqual([closing.state, test.stats().closed], ['fulfilled', 2]);
  });

  it('is not kept when the pool was renewed, or made smaller, while it was out', async () => {
    const { test, leases } = await inUse({ max: 2 });
    test.pool.resize({ max: 1, minIdle: 0 });
    leases[1].release();
    assert.equal(test.stats().evicted.resized, 1);
    test.pool.evictAll();
    leases[0].release();
    assert.equal(test.stats().evicted.stale, 1);
  });

  it('goes when as many are idle as may be', async () => {
    const { test, leases } = await inUse({ max: 3, maxIdle: 2 });
    for (const lease of leases) lease.release();
    assert.deepEqual([test.stats().idle, test.stats().evicted.maxIdle], [2, 1]);
  });

  it('is not lent by one who hears that the pool is renewed', async () => {
    const { test, leases } = await inUse({ max: 3 });
    for (const lease of leases) lease.release();
    const lent: (LeaseHandle | undefined)[] = [];
    test.observe('evict', () => lent.push(test.pool.tryAcquire()));
    test.pool.evictAll();
    assert.deepEqual(lent, [undefined, undefined, undefined]);
    assert.equal(test.stats().evicted.stale, 3);
  });

  it('goes when one that was on its way out stays as a ghost, and is one too many with it', async () => {
    const { test, leases } = await inUse({ max: 2, drainTimeoutMs: 0 });
    test.driver.killReply = serverError(1095);
    test.connection(1).reply = () => 'hang';
    track(leases[1].query('SELECT SLEEP(60)'));
    test.pool.resize({ max: 1, minIdle: 0 });
    let again: LeaseHandle | undefined;
    test.observe('evict', () => {
      leases[0].release();
      again ??= test.pool.tryAcquire();
    });
    leases[1].release();
    await test.clock.settle();
    assert.deepEqual([test.stats().ghost, test.stats().leased], [1, 1]);
    again?.release();
    assert.equal(test.stats().evicted.resized, 1);
  });

  it('keeps its place among a thousand, whichever of them go', async () => {
    for (const reuse of ['lifo', 'fifo'] as const) {
      const { test, leases } = await inUse({ max: 1_000, maxOpening: 1_000, reuse });
      for (const lease of leases) lease.release();
      const threads = test.driver.connections.map(({ threadId }) => threadId);
      for (const n of [999, 500, 17, 16, 15, 0]) {
        test.connection(n).lose();
        threads.splice(n, 1);
      }
      await test.clock.settle();
      const expected = reuse === 'lifo' ? threads.reverse() : threads;
      const lent = Array.from({ length: 994 }, () => test.pool.tryAcquire()?.threadId);
      assert.deepEqual(lent, expected);
      assert.equal(test.pool.tryAcquire(), undefined);
    }
  });
});
