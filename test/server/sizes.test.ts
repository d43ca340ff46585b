import { strict as assert } from 'node:assert';
import { withAccount } from '@handback/contract/support/account.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { type ConnectionPool, createPool, type PoolOptions } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

const idOf = async (db: Pick<ConnectionPool, 'query'>): Promise<number> => {
  const [rows] = await db.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
  return rows[0]?.id as number;
};

interface Seen {
  pool: ConnectionPool;
  /** The server's ids of the pool's sessions, once they are `expected` many. */
  threads(expected: number): Promise<number[]>;
}

/** Against the server's process list, in an account of the pool's own. */
describe('what the pool says of its connections is what the server has', () => {
  let watcher: ServerWatcher;

  before(async () => {
    watcher = await ServerWatcher.open();
  });

  after(() => watcher.close());

  const pooled = (options: PoolOptions, work: (seen: Seen) => Promise<void>) =>
    withAccount('', async ({ url, name }) => {
      const pool = createPool({ uri: url, ...options });
      pool.events.on('warning', () => {});
      const threads = (expected: number) =>
        eventually(async () => {
          const ids = (await watcher.threadsOf(name)).map(({ id }) => id).sort((a, b) => a - b);
          assert.equal(ids.length, expected);
          const { opened, closed, closing } = pool.stats();
          assert.equal(opened - closed - closing, expected);
          return ids;
        });
      try {
        await work({ pool, threads });
      } finally {
        await pool.close();
      }
      await threads(0);
    });

  const lease = (pool: ConnectionPool, count: number) =>
    Promise.all(Array.from({ length: count }, () => pool.acquire()));

  it('resize: idle ones go at once, those in use when they come back, and minIdle is kept ready', () =>
    pooled({ max: 4 }, async ({ pool, threads }) => {
      const leases = await lease(pool, 4);
      await threads(4);
      leases[0]?.release();
      pool.resize({ max: 2 });
      await threads(3);
      leases[1]?.release();
      await threads(2);
      await assert.rejects(pool.acquire({ timeoutMs: 0 }), { code: 'ACQUIRE_TIMEOUT' });
      for (const each of leases) each.release();
      await threads(2);
      pool.resize({ max: 5, minIdle: 5 });
      await threads(5);
      assert.equal(pool.stats().evicted.resized, 2);
    }));

  it('evictAll: idle ones go at once, those in use when they come back, and no storm follows', () =>
    pooled({ max: 4 }, async ({ pool, threads }) => {
      const leases = await lease(pool, 4);
      const old = await threads(4);
      leases[0]?.release();
      leases[1]?.release();
      assert.equal(pool.evictAll(), 4);
      await threads(2);
      await leases[2]?.query('SELECT 1');
      for (const each of leases) each.release();
      await threads(0);
      assert.ok(!old.includes(await idOf(pool)));
      await threads(1);
    }));

  it('maxUses: another session after so many statements, not in the middle of a request', () =>
    pooled({ max: 1, maxUses: 3 }, async ({ pool, threads }) => {
      const ids = [await idOf(pool), await idOf(pool), await idOf(pool), await idOf(pool)];
      assert.equal(new Set(ids.slice(0, 3)).size, 1);
      assert.notEqual(ids[3], ids[2]);
      await pool.run(async (db) => {
        for (let n = 0; n < 6; n++) assert.equal(await idOf(db), ids[3]);
      });
      await threads(0);
      assert.equal(pool.stats().evicted.uses, 2);
    }));

  it('maxHoldMs: the statement is stopped on the server, its session ends, and the next holder has another', () =>
    pooled({ max: 1, maxHoldMs: 1_000 }, async ({ pool, threads }) => {
      const held = await pool.acquire();
      const [id] = await threads(1);
      await assert.rejects(held.query('SELECT SLEEP(60)'), { code: 'QUERY_CANCELLED' });
      await assert.rejects(held.query('SELECT 1'), { code: 'LEASE_RELEASED' });
      const next = await idOf(pool);
      assert.notEqual(next, id);
      // With its session its statement is gone.
      assert.deepEqual(await threads(1), [next]);
      assert.equal(pool.stats().evicted.maxHold, 1);
    }));

  it('maxHoldMs: a lease that does nothing is taken away as well, its transaction rolled back', () =>
    pooled({ max: 1, maxHoldMs: 1_000 }, async ({ pool, threads }) => {
      const held = await pool.acquire();
      await held.beginTransaction();
      const [id] = await threads(1);
      assert.notEqual(await idOf(pool), id);
      await assert.rejects(held.commit(), { code: 'TRANSACTION_ROLLED_BACK' });
      held.release();
    }));

  it('leakAfterMs: told with the session that the server knows, and again when it is back', () =>
    pooled({ max: 2, leakAfterMs: 500 }, async ({ pool, threads }) => {
      const leaks: { route: string; threadId: number | undefined; statements: number }[] = [];
      const back: string[] = [];
      pool.events.on('leak', ({ route, threadId, statements }) =>
        leaks.push({ route, threadId, statements }),
      );
      pool.events.on('unleak', ({ route }) => back.push(route));
      const held = await pool.acquire();
      await held.query('SELECT 1');
      const [id] = await threads(1);
      await eventually(() => assert.equal(leaks.length, 1));
      assert.deepEqual(leaks, [{ route: 'pool.acquire', threadId: id, statements: 1 }]);
      assert.equal(await idOf(held), id);
      assert.deepEqual(back, []);
      held.release();
      assert.deepEqual(back, ['pool.acquire']);
      assert.equal(await idOf(pool), id);
      assert.equal(pool.stats().leaked, 1);
    }));
});
