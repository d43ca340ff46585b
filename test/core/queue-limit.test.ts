import assert from 'node:assert/strict';
import { TestPool, track } from './fixture.js';

describe('queue limit (maxPending)', () => {
  it('one more than maxPending fails at once with QUEUE_FULL and is counted as shed', async () => {
    const { clock, pool } = new TestPool({ max: 1, maxPending: 2 });
    const held = await pool.acquire();
    const waiting = [track(pool.acquire()), track(pool.acquire())];
    const refused = track(pool.acquire());
    await clock.settle();
    assert.equal(refused.code, 'QUEUE_FULL');
    assert.deepEqual([pool.stats().shed, pool.stats().pending], [1, 2]);
    held.release();
    await clock.settle();
    assert.equal(waiting[0]?.state, 'fulfilled');
    const next = track(pool.acquire());
    await clock.settle();
    assert.equal(next.state, 'pending', 'there is room in the queue again');
  });

  it('10 000 who wait are refused at their own deadlines, to the millisecond, and cost little memory', async () => {
    const { clock, pool } = new TestPool({ max: 1, acquireTimeoutMs: 1_000 });
    const holder = await pool.acquire();
    const { heapUsed } = process.memoryUsage();
    const refusedAt: number[] = [];
    const begun = clock.now();
    for (let n = 0; n < 10_000; n++) {
      // A hundred come in each of a hundred milliseconds.
      if (n > 0 && n % 100 === 0) await clock.advance(1);
      pool.acquire().catch((error) => {
        assert.equal(error.code, 'ACQUIRE_TIMEOUT');
        refusedAt.push(clock.now() - begun - Math.floor(n / 100));
      });
    }
    await clock.settle();
    assert.equal(pool.stats().pending, 10_000);
    const grown = process.memoryUsage().heapUsed - heapUsed;
    assert.ok(grown < 100 * 2 ** 20, `${grown} bytes for 10 000 who wait`);
    await clock.advance(1_000);
    assert.deepEqual(refusedAt, Array(10_000).fill(1_000));
    assert.deepEqual([pool.stats().pending, pool.stats().timedOut], [0, 10_000]);
    // Until here: a lease that nobody has would come back with the next garbage collection.
    holder.release();
  });

  it('0 = nobody waits for another holder, but for an open that may still be made', async () => {
    const { clock, pool } = new TestPool({ max: 2, maxPending: 0 });
    const acquires = [track(pool.acquire()), track(pool.acquire()), track(pool.acquire())];
    await clock.settle();
    assert.deepEqual(
      acquires.map(({ code, state }) => code ?? state),
      ['fulfilled', 'fulfilled', 'QUEUE_FULL'],
    );
  });

  it('those for whom a connection will be opened do not count', async () => {
    const { clock, driver, pool } = new TestPool({ max: 4, maxPending: 1 });
    driver.hang();
    const acquires = Array.from({ length: 6 }, () => track(pool.acquire()));
    await clock.settle();
    assert.deepEqual(
      acquires.map(({ code }) => code),
      [undefined, undefined, undefined, undefined, undefined, 'QUEUE_FULL'],
    );
  });

  it('a waiter that left makes room', async () => {
    const { clock, pool } = new TestPool({ max: 1, maxPending: 1 });
    await pool.acquire();
    const controller = new AbortController();
    const leaving = track(pool.acquire({ signal: controller.signal }));
    await clock.settle();
    controller.abort();
    const next = track(pool.acquire());
    await clock.settle();
    assert.equal(leaving.state, 'rejected');
    assert.equal(next.state, 'pending');
  });

  for (const heard of [true, false]) {
    it(`counts those who wait, not connections beyond a max that was made smaller, ${heard ? 'heard' : 'unheard'}`, async () => {
      for (const inUse of [2, 1]) {
        const test = new TestPool({ max: 3, maxOpening: 3, maxPending: 1 });
        if (!heard) test.listenNoMore();
        test.mayExceed = true;
        test.driver.reply = () => 'hang';
        const leases = [await test.pool.acquire(), await test.pool.acquire(), await test.pool.acquire()];
        // What drains is one too many as well.
        for (const lease of leases.slice(inUse)) {
          void track(lease.query('SELECT SLEEP(60)'));
          lease.release();
        }
        test.pool.resize({ max: 1 });
        const [first, second] = [track(test.pool.acquire()), track(test.pool.acquire())];
        await test.clock.settle();
        assert.deepEqual([first.state, second.code], ['pending', 'QUEUE_FULL']);
      }
    });
  }
});
