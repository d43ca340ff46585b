import assert from 'node:assert/strict';
import { TestPool, track } from './fixture.js';

/** How a lease of a pool with `max: 1` and these limits ends; what runs on its connection is never answered. */
const ENDS: Record<string, (test: TestPool) => Promise<void>> = {
  'its holder gives it back': async ({ pool }) => {
    (await pool.acquire()).release();
  },
  'its connection is lost before it is given back': async (test) => {
    const lease = await test.pool.acquire();
    test.connection().lose();
    await test.clock.settle();
    lease.release();
  },
  'it is taken away at maxHoldMs, and given back later': async ({ pool, clock }) => {
    const lease = await pool.acquire();
    await clock.advance(60_000);
    lease.release();
  },
  'its statement hangs, and so does the KILL': async ({ pool, driver, clock }) => {
    const lease = await pool.acquire();
    driver.reply = () => 'hang';
    driver.killReply = 'hang';
    track(lease.query('SELECT 1', []));
    await clock.advance(20_000);
    lease.release();
  },
  'what it left running can not be stopped': async ({ pool, driver, clock }) => {
    const lease = await pool.acquire();
    driver.reply = () => 'hang';
    driver.killReply = 'hang';
    track(lease.query('SELECT 1', []));
    lease.release();
    await clock.advance(20_000);
  },
  'the pool is closed over it': async ({ pool, clock }) => {
    const lease = await pool.acquire();
    track(pool.close({ timeoutMs: 100 }));
    await clock.advance(5_000);
    lease.release();
  },
};

describe('the release event', () => {
  for (const [how, end] of Object.entries(ENDS)) {
    it(`comes once for each acquire: ${how}`, async () => {
      const limits = { maxHoldMs: 50_000, queryTimeoutMs: 5_000, drainTimeoutMs: 1_000 };
      const test = new TestPool({ max: 1, ...limits });
      await end(test);
      await test.clock.advance(100_000);
      assert.equal(test.told('acquire').length, 1);
      assert.equal(test.told('release').length, 1);
      assert.deepEqual([test.stats().acquired, test.stats().released], [1, 1]);
    });
  }
});
