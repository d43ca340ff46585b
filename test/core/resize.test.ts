import assert from 'node:assert/strict';
import { coded, TestPool, track } from './fixture.js';

/** In the order in which they were opened. */
async function leased(test: TestPool, count: number) {
  const leases = [];
  for (let n = 0; n < count; n++) leases.push(await test.pool.acquire());
  return leases;
}

describe('resize', () => {
  it('up: waiters are served by new connections at once', async () => {
    const test = new TestPool({ max: 1, maxOpening: 4 });
    await leased(test, 1);
    const waiting = [1, 2, 3].map(() => track(test.pool.acquire()));
    await test.clock.settle();
    test.pool.resize({ max: 3 });
    await test.clock.settle();
    assert.deepEqual(
      waiting.map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'pending'],
    );
    assert.deepEqual([test.stats().max, test.stats().leased], [3, 3]);
  });

  it('down: those in use are closed as they come back, down to the new maximum', async () => {
    const test = new TestPool({ max: 3, maxOpening: 3 });
    const leases = await leased(test, 3);
    test.mayExceed = true;
    test.pool.resize({ max: 2 });
    await test.clock.settle();
    assert.equal(test.stats().leased, 3, 'nobody loses theirs');
    leases[0]?.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().evicted.resized, test.stats().idle], [1, 0]);
    test.mayExceed = false;
    leases[1]?.release();
    leases[2]?.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().evicted.resized, test.stats().idle], [1, 2]);
  });

  it('down: a waiter is served by the next that may stay, not by one too many', async () => {
    const test = new TestPool({ max: 3, maxOpening: 3 });
    const leases = await leased(test, 3);
    const waiting = track(test.pool.acquire());
    test.mayExceed = true;
    test.pool.resize({ max: 1 });
    leases[0]?.release();
    leases[1]?.release();
    await test.clock.settle();
    assert.deepEqual([waiting.state, test.stats().evicted.resized], ['pending', 2]);
    leases[2]?.release();
    await test.clock.settle();
    assert.equal(waiting.value.threadId, test.connection(2).threadId);
  });

  it('down: idle ones go at once', async () => {
    const test = new TestPool({ max: 4, maxOpening: 4 });
    for (const lease of await leased(test, 4)) lease.release();
    test.mayExceed = true;
    test.pool.resize({ max: 1 });
    await test.clock.settle();
    test.mayExceed = false;
    assert.deepEqual([test.stats().idle, test.stats().evicted.resized], [1, 3]);
    test.check();
  });

  it('down: those that are being opened are not used when they arrive', async () => {
    const test = new TestPool({ max: 4, maxOpening: 4 });
    test.driver.hang();
    const waiting = [1, 2, 3, 4].map(() => track(test.pool.acquire()));
    await test.clock.settle();
    test.mayExceed = true;
    test.pool.resize({ max: 2 });
    for (const open of test.driver.opens) open.succeed();
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, test.stats().pending, test.stats().evicted.resized], [2, 2, 2]);
    test.mayExceed = false;
    test.check();
    assert.equal(waiting.filter(({ state }) => state === 'fulfilled').length, 2);
  });

  it('down and up again: nobody was thrown out for nothing', async () => {
    const test = new TestPool({ max: 2, maxOpening: 2 });
    const leases = await leased(test, 2);
    test.mayExceed = true;
    test.pool.resize({ max: 1 });
    test.pool.resize({ max: 2 });
    for (const lease of leases) lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().evicted.resized], [2, 0]);
  });

  it('minIdle: opened at once, and closed by idleTimeoutMs when it is lowered', async () => {
    const test = new TestPool({ max: 5, idleTimeoutMs: 1_000 });
    test.pool.resize({ minIdle: 3 });
    await test.clock.settle();
    assert.equal(test.stats().idle, 3);
    await test.clock.advance(5_000);
    assert.equal(test.stats().idle, 3);
    test.pool.resize({ minIdle: 0 });
    await test.clock.advance(2_000);
    assert.equal(test.stats().idle, 0);
  });

  it('maxIdle goes along with max unless it was given; then it comes back to what was given', async () => {
    const free = new TestPool({ max: 2, maxOpening: 8 });
    free.pool.resize({ max: 4 });
    for (const lease of await leased(free, 4)) lease.release();
    await free.clock.settle();
    assert.equal(free.stats().idle, 4);

    const given = new TestPool({ max: 4, maxIdle: 3, maxOpening: 8 });
    for (const lease of await leased(given, 4)) lease.release();
    await given.clock.settle();
    assert.equal(given.stats().idle, 3);
    given.mayExceed = true;
    given.pool.resize({ max: 2 });
    await given.clock.settle();
    assert.equal(given.stats().idle, 2);
    given.mayExceed = false;
    given.pool.resize({ max: 6 });
    for (const lease of await leased(given, 6)) lease.release();
    await given.clock.settle();
    assert.equal(given.stats().idle, 3);
  });

  for (const bad of [
    { max: 0 },
    { max: -1 },
    { max: 1.5 },
    { max: '3' },
    { minIdle: -1 },
    { minIdle: 11 },
    { max: 2, minIdle: 3 },
    { maxIdle: 3 },
    null,
    undefined,
    7,
  ]) {
    it(`refuses ${JSON.stringify(bad)}, and nothing changes`, async () => {
      const test = new TestPool({ max: 10, minIdle: 1 });
      assert.throws(() => test.pool.resize(bad as never), coded('INVALID_OPTION'));
      await test.clock.settle();
      assert.deepEqual([test.stats().max, test.stats().idle], [10, 1]);
    });
  }

  it('below minIdle only together with it', () => {
    const test = new TestPool({ max: 10, minIdle: 5 });
    assert.throws(() => test.pool.resize({ max: 4 }), coded('INVALID_OPTION'));
    test.mayExceed = true;
    test.pool.resize({ max: 4, minIdle: 2 });
    assert.equal(test.stats().max, 4);
  });

  it('to less than an acquire that does not queue has counted on: it is refused, not left to wait for a holder', async () => {
    const test = new TestPool({ max: 2 });
    test.mayExceed = true;
    await test.pool.acquire();
    test.driver.hang();
    const waiting = track(test.pool.acquire({ timeoutMs: 0 }));
    await test.clock.settle();
    test.pool.resize({ max: 1 });
    test.driver.opens[1]?.succeed();
    await test.clock.advance(4_000);
    assert.deepEqual([waiting.code, test.stats().pending], ['ACQUIRE_TIMEOUT', 0]);
  });
});
